"""`io.kestra.plugin.scripts.*`: scripts and shell commands as processes of this machine.

Listed in simulator.plugins.registry.
"""

from __future__ import annotations

_LANGUAGES = {
    "shell": "Shell",
    "node": "Node",
    "r": "R",
    "powershell": "Powershell",
    "bun": "Bun",
    "deno": "Deno",
    "go": "Go",
    "groovy": "Groovy",
    "dotnet": "Dotnet",
    "julia": "Julia",
    "ruby": "Ruby",
    "perl": "Perl",
    "lua": "Lua",
    "php": "Php",
    "jbang": "Jbang",
}
_TRIGGERS = {"shell": "Shell", "python": "Python", "node": "Node", "ruby": "Ruby", "go": "Go"}
_HERE = "simulator.plugins.scripts"

TYPES: dict[str, str] = {
    "io.kestra.plugin.scripts.python.Commands": f"{_HERE}.python:PythonCommands",
    "io.kestra.plugin.scripts.python.Script": f"{_HERE}.python:PythonScript",
    **{
        f"io.kestra.plugin.scripts.{name}.{shape}": f"{_HERE}.languages:{word}{shape}"
        for name, word in _LANGUAGES.items()
        for shape in ("Commands", "Script")
    },
    **{
        f"io.kestra.plugin.scripts.{name}.{shape}Trigger": f"{_HERE}.triggers:{word}{shape}Trigger"
        for name, word in _TRIGGERS.items()
        for shape in ("Commands", "Script")
    },
    "io.kestra.core.tasks.scripts.Bash": f"{_HERE}.legacy:Bash",
    "io.kestra.core.tasks.scripts.Python": f"{_HERE}.legacy:Python",
    "io.kestra.core.tasks.scripts.Node": f"{_HERE}.legacy:Node",
    "io.kestra.plugin.scripts.runner.docker.Docker": f"{_HERE}.task_runners:Docker",
    # described, run through mocks
    "io.kestra.plugin.scripts.groovy.Eval": f"{_HERE}.unsupported:GroovyEval",
    "io.kestra.plugin.scripts.groovy.FileTransform": f"{_HERE}.unsupported:GroovyFileTransform",
    "io.kestra.plugin.scripts.jython.Eval": f"{_HERE}.unsupported:JythonEval",
    "io.kestra.plugin.scripts.jython.FileTransform": f"{_HERE}.unsupported:JythonFileTransform",
    "io.kestra.plugin.scripts.nashorn.Eval": f"{_HERE}.unsupported:NashornEval",
    "io.kestra.plugin.scripts.nashorn.FileTransform": f"{_HERE}.unsupported:NashornFileTransform",
    "io.kestra.plugin.graalvm.js.Eval": f"{_HERE}.unsupported:GraalJsEval",
    "io.kestra.plugin.graalvm.js.FileTransform": f"{_HERE}.unsupported:GraalJsFileTransform",
    "io.kestra.plugin.graalvm.python.Eval": f"{_HERE}.unsupported:GraalPythonEval",
    "io.kestra.plugin.graalvm.python.FileTransform": f"{_HERE}.unsupported:GraalPythonFileTransform",
    "io.kestra.plugin.graalvm.ruby.Eval": f"{_HERE}.unsupported:GraalRubyEval",
    "io.kestra.plugin.graalvm.ruby.FileTransform": f"{_HERE}.unsupported:GraalRubyFileTransform",
    "io.kestra.plugin.dbt.cli.DbtCLI": f"{_HERE}.unsupported:DbtCli",
    "io.kestra.plugin.dbt.cli.Build": f"{_HERE}.unsupported:DbtBuild",
    "io.kestra.plugin.ansible.cli.AnsibleCLI": f"{_HERE}.unsupported:AnsibleCli",
    "io.kestra.plugin.terraform.cli.TerraformCLI": f"{_HERE}.unsupported:TerraformCli",
    "io.kestra.plugin.aws.cli.AwsCLI": f"{_HERE}.unsupported:AwsCli",
    "io.kestra.plugin.docker.Run": f"{_HERE}.unsupported:DockerRun",
    "io.kestra.plugin.docker.Build": f"{_HERE}.unsupported:DockerBuild",
    "io.kestra.plugin.argocd.apps.Sync": f"{_HERE}.unsupported:ArgoSync",
    "io.kestra.plugin.argocd.apps.Status": f"{_HERE}.unsupported:ArgoStatus",
    "io.kestra.plugin.kubernetes.kubectl.Get": f"{_HERE}.unsupported:KubectlGet",
}

ALIASES: dict[str, str] = {}
