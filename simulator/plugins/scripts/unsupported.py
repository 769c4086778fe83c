"""Types of the family that need a JVM, Docker or a vendor's tool: their shape is known, a run needs a mock.

The properties and outputs come from scripts.md 9 and fs-and-others.md 0 and 4; they serve the checks and the skeletons
of mocks.
"""

from __future__ import annotations

from typing import Any, NoReturn

from simulator.engine.task import RunContext
from simulator.errors import UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.scripts.specs import COMMANDS, COMMON, OUTPUTS

__all__ = ["MockOnly", "mock_only"]


class MockOnly:
    """A type that is described and not run."""

    spec: TaskSpec

    def run(self, ctx: RunContext) -> NoReturn:
        raise UnsupportedError(
            f"{self.spec.type} cannot run on this machine: {self.spec.doc}",
            hint=f"give the task `{ctx.task.id}` a mock in the flow's side file",
        )


def mock_only(
    type_name: str,
    why: str,
    properties: tuple[PropertySpec, ...] = (),
    outputs: tuple[OutputSpec, ...] = (),
    **options: Any,
) -> type[MockOnly]:
    """A class for a described type; `why` completes "cannot run on this machine: ..."."""
    spec = TaskSpec(
        type_name,
        properties=properties,
        outputs=outputs,
        supported=False,
        open_properties=True,
        doc=why,
        **options,
    )
    return type(type_name.rpartition(".")[2], (MockOnly,), {"spec": spec, "__module__": __name__})


_JVM = "it runs inside the JVM"
_EVAL = (PropertySpec("script", required=True), PropertySpec("outputs", T.LIST, item=PropertySpec("item")))
_EVAL_OUT = (OutputSpec("result"), OutputSpec("outputs", T.MAP))
_FILE = (
    PropertySpec("from", T.DATA, required=True),
    PropertySpec("script", required=True),
    PropertySpec("concurrent", T.INTEGER),
)
_FILE_OUT = (OutputSpec("uri", T.URI),)


def _eval(package: str) -> type[MockOnly]:
    return mock_only(f"{package}.Eval", _JVM, _EVAL, _EVAL_OUT)


def _transform(package: str) -> type[MockOnly]:
    return mock_only(f"{package}.FileTransform", _JVM, _FILE, _FILE_OUT)


GroovyEval = _eval("io.kestra.plugin.scripts.groovy")
GroovyFileTransform = _transform("io.kestra.plugin.scripts.groovy")
JythonEval = _eval("io.kestra.plugin.scripts.jython")
JythonFileTransform = _transform("io.kestra.plugin.scripts.jython")
NashornEval = _eval("io.kestra.plugin.scripts.nashorn")
NashornFileTransform = _transform("io.kestra.plugin.scripts.nashorn")
GraalJsEval = _eval("io.kestra.plugin.graalvm.js")
GraalJsFileTransform = _transform("io.kestra.plugin.graalvm.js")
GraalPythonEval = _eval("io.kestra.plugin.graalvm.python")
GraalPythonFileTransform = _transform("io.kestra.plugin.graalvm.python")
GraalRubyEval = _eval("io.kestra.plugin.graalvm.ruby")
GraalRubyFileTransform = _transform("io.kestra.plugin.graalvm.ruby")


def _cli(
    type_name: str, tool: str, *own: PropertySpec, outputs: tuple[OutputSpec, ...] = (), commands: bool = True
) -> type[MockOnly]:
    """A task that runs a vendor's command line tool in its own image."""
    first = (COMMANDS,) if commands else ()
    return mock_only(
        type_name, f"it runs {tool} in a container", (*first, *own, *COMMON), (*OUTPUTS, *outputs)
    )


_LIST = PropertySpec("item")
DbtCli = _cli(
    "io.kestra.plugin.dbt.cli.DbtCLI",
    "dbt",
    PropertySpec("profiles"),
    PropertySpec("projectDir"),
    PropertySpec("parseRunResults", T.BOOLEAN, default=True),
    PropertySpec("logFormat", T.ENUM, default="JSON", values=("JSON", "TEXT", "NONE")),
    PropertySpec("engine", T.ENUM, default="CORE", values=("CORE", "FUSION")),
    PropertySpec("storeManifest", T.OBJECT, as_property=False),
    PropertySpec("loadManifest", T.OBJECT, as_property=False),
)
DbtBuild = _cli(
    "io.kestra.plugin.dbt.cli.Build",
    "dbt",
    PropertySpec("dbtPath", default="./bin/dbt"),
    PropertySpec("projectDir"),
    PropertySpec("warnError", T.BOOLEAN, default=False),
    PropertySpec("debug", T.BOOLEAN, default=False),
    commands=False,
)
AnsibleCli = _cli(
    "io.kestra.plugin.ansible.cli.AnsibleCLI",
    "Ansible",
    PropertySpec("ansibleConfig"),
    PropertySpec("outputLogFile", T.BOOLEAN, default=False),
    outputs=(OutputSpec("playbooks", T.LIST),),
)
TerraformCli = _cli("io.kestra.plugin.terraform.cli.TerraformCLI", "Terraform")
AwsCli = _cli(
    "io.kestra.plugin.aws.cli.AwsCLI",
    "the AWS CLI",
    PropertySpec("accessKeyId", secret=True),
    PropertySpec("secretKeyId", secret=True),
    PropertySpec("sessionToken", secret=True),
    PropertySpec("region"),
    PropertySpec("endpointOverride"),
    PropertySpec("outputFormat", T.ENUM, default="JSON", values=("JSON", "TEXT", "TABLE", "YAML")),
)
DockerRun = _cli(
    "io.kestra.plugin.docker.Run", "an image", PropertySpec("commands", T.LIST, item=_LIST), commands=False
)
DockerBuild = mock_only(
    "io.kestra.plugin.docker.Build",
    "it needs a Docker engine",
    (
        PropertySpec("dockerfile"),
        PropertySpec("tags", T.LIST, required=True, item=_LIST),
        PropertySpec("platforms", T.LIST, item=_LIST),
        PropertySpec("buildArgs", T.MAP),
        PropertySpec("labels", T.MAP),
        PropertySpec("push", T.BOOLEAN, default=False),
        PropertySpec("pull", T.BOOLEAN, default=True),
        PropertySpec("credentials", T.OBJECT),
        PropertySpec("host"),
    ),
    (OutputSpec("imageId"),),
)
_ARGO = (
    PropertySpec("server", required=True),
    PropertySpec("token", required=True, secret=True),
    PropertySpec("application", required=True),
    PropertySpec("insecure", T.BOOLEAN, default=False),
    PropertySpec("plaintext", T.BOOLEAN, default=False),
    PropertySpec("grpcWeb", T.BOOLEAN, default=False),
)
_ARGO_OUT = (
    OutputSpec("syncStatus"),
    OutputSpec("healthStatus"),
    OutputSpec("resources", T.LIST),
    OutputSpec("rawOutput"),
)
ArgoSync = _cli(
    "io.kestra.plugin.argocd.apps.Sync",
    "the Argo CD CLI",
    *_ARGO,
    PropertySpec("revision"),
    PropertySpec("prune", T.BOOLEAN),
    PropertySpec("dryRun", T.BOOLEAN),
    PropertySpec("force", T.BOOLEAN),
    outputs=(*_ARGO_OUT, OutputSpec("revision")),
    commands=False,
)
ArgoStatus = _cli(
    "io.kestra.plugin.argocd.apps.Status",
    "the Argo CD CLI",
    *_ARGO,
    PropertySpec("refresh", T.BOOLEAN),
    outputs=(*_ARGO_OUT, OutputSpec("conditions", T.LIST)),
    commands=False,
)
KubectlGet = mock_only(
    "io.kestra.plugin.kubernetes.kubectl.Get",
    "it needs a Kubernetes cluster",
    (
        PropertySpec("namespace"),
        PropertySpec("resourceType", required=True),
        PropertySpec("resourcesNames", T.LIST, item=_LIST),
        PropertySpec("apiGroup", default=""),
        PropertySpec("apiVersion", default="v1"),
        PropertySpec("fetchType", T.ENUM, default="NONE", values=("NONE", "FETCH", "FETCH_ONE", "STORE")),
        PropertySpec("connection", T.OBJECT),
    ),
    (
        OutputSpec("metadataItems", T.LIST),
        OutputSpec("statusItems", T.LIST),
        OutputSpec("metadataItem", T.MAP),
        OutputSpec("statusItem", T.MAP),
        OutputSpec("size", T.INTEGER),
        OutputSpec("uri", T.URI),
    ),
)
