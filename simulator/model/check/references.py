"""References to inputs, variables, tasks and outputs that do not exist, or do not exist yet at that point."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from simulator.diagnostics import Severity, Span
from simulator.expressions.analyze import DYNAMIC, Reference
from simulator.model.catalog import Kind, OutputSpec, T
from simulator.model.check.context import CheckContext
from simulator.model.check.expressions import references_of
from simulator.model.check.places import LOOPS, Site
from simulator.model.flow import Task
from simulator.model.flow_rules import leaves
from simulator.model.problems import suggest
from simulator.model.tasks import CORE_PREFIXES

__all__ = ["check_references"]

_ROOTS = frozenset({"flow", "execution", "task", "taskrun", "parents", "parent", "outputs", "tasks", "inputs", "vars", "labels", "trigger", "envs", "globals", "kestra", "namespace", "workingDir", "outputDir", "files", "error", "addSecretConsumer"})  # fmt: skip
_ROOTS_BY_MAJOR = {1: _ROOTS | {"schedule"}, 2: _ROOTS | {"item"}}
_ROW_KEYS = frozenset({"filterCondition", "expr", "responseCondition"})
"""Properties that see variables of their own (the fields of a row, a response)."""
_OWN_NAMES = {
    ("io.kestra.plugin.core.execution.Count", "expression"): frozenset({"count"}),
    ("io.kestra.plugin.kestra.executions.Count", "expression"): frozenset({"count"}),
}
"""Variables that one property of a core type sees beside the others."""
_PLUGIN_ROOTS = frozenset({"outputFiles", "inputFiles"})
"""Variables that tasks with files of their own add."""
_LATE_KEYS = frozenset({"condition", "outputs"})
"""Properties of loops that are rendered after their children."""


def check_references(context: CheckContext) -> None:
    """All rules about variables, one reference after the other."""
    checker = _Checker(context)
    for site in context.sites:
        if site.key == "outputs" and site.spec is not None and site.spec.kind is Kind.EXECUTABLE:
            continue  # 1.x: rendered in the subflow
        if site.has_expression:
            for reference in references_of(context, site):
                if reference.kind == "variable" and not reference.local:
                    checker.check(site, reference)


class _Checker:
    def __init__(self, context: CheckContext) -> None:
        self.context = context
        flow = context.flow
        self.inputs = {name for name, _ in leaves(flow.inputs)} | {item.id for item in flow.inputs}
        self.variables, self.open_variables = _variables(flow.variables, flow.walk_tasks())
        self.rules: dict[str, Callable[[Site, Reference], None]] = {
            "inputs": self._input,
            "vars": self._variable,
            "outputs": self._outputs,
            "tasks": self._tasks,
            "taskrun": self._taskrun,
            "item": self._item,
        }

    def check(self, site: Site, reference: Reference) -> None:
        rule = self.rules.get(reference.name)
        if rule is not None:
            rule(site, reference)
        if reference.name not in _ROOTS_BY_MAJOR[self.context.dialect.major]:
            self._root(site, reference)

    def _span(self, site: Site, reference: Reference, part: int) -> Span:
        start = reference.offsets[part] if part < len(reference.offsets) else reference.offset
        word = reference.path[part] if part < len(reference.path) else reference.name
        return self.context.at(site, start, start + (len(word) if isinstance(word, str) else 1))

    def _say(
        self,
        code: str,
        message: str,
        site: Site,
        reference: Reference,
        part: int,
        hint: str | None,
        *,
        sure: bool = True,
    ) -> None:
        severity = Severity.ERROR if sure and site.certain and not reference.guarded else Severity.WARNING
        self.context.report(code, message, self._span(site, reference, part), hint, severity)

    def _root(self, site: Site, reference: Reference) -> None:
        if (
            reference.guarded
            or not site.certain
            or site.kind not in ("task", "output")
            or site.key in _ROW_KEYS
        ):
            return
        if site.spec is not None and site.spec.open_properties:
            return
        if reference.name in _PLUGIN_ROOTS:
            return
        if site.spec is not None and reference.name in _OWN_NAMES.get((site.spec.type, site.key), ()):
            return
        names = _ROOTS_BY_MAJOR[self.context.dialect.major]
        hint = suggest(reference.name, names)
        if reference.name == "item":
            hint = "`item` exists in Kestra 2.0 (Loop); a ForEach gives {{ taskrun.value }}."
        elif reference.name in self.inputs:
            hint = f"Did you mean `inputs.{reference.name}`?"
        elif reference.name in self.variables:
            hint = f"Did you mean `vars.{reference.name}`?"
        elif reference.name in self.context.places.tasks:
            hint = f"Did you mean `outputs.{reference.name}`?"
        # Plugins outside of the core may render a property with variables of their own.
        core = site.spec is None or site.spec.type.startswith(CORE_PREFIXES)
        self._say(
            "SIM-REF-009",
            f"Unable to find `{reference.name}` used in the expression",
            site,
            reference,
            0,
            hint,
            sure=core,
        )

    def _input(self, site: Site, reference: Reference) -> None:
        path = _literal(reference.path[1:])
        if not path or reference.guarded or site.kind == "trigger":
            return
        if site.kind == "input" and site.key != "dependsOn":
            self._input_of_input(site, reference, path)
        for length in range(1, len(path) + 1):
            if ".".join(path[:length]) in self.inputs:
                return
        prefix = ".".join(path) + "."
        if any(name.startswith(prefix) for name in self.inputs):
            return
        hint = suggest(path[0], self.inputs) or (
            "The flow declares no inputs."
            if not self.inputs
            else f"Declared: {', '.join(sorted(self.inputs))}"
        )
        self._say("SIM-REF-001", f"The flow has no input `{'.'.join(path[:1])}`", site, reference, 1, hint)

    def _input_of_input(self, site: Site, reference: Reference, path: list[str]) -> None:
        """A default sees only the inputs that `dependsOn` names (flow.md 3.4)."""
        owner = next((item for item in self.context.flow.inputs if item.id == site.owner), None)
        if owner is None or path[0] not in self.inputs:
            return
        named = owner.depends_on.inputs if owner.depends_on else ()
        if not any(
            name == path[0] or name.startswith(path[0] + ".") or name == ".".join(path) for name in named
        ):
            self._say(
                "SIM-REF-002", f"`{site.key}` of input `{owner.id}` cannot see `inputs.{path[0]}`: `dependsOn` does not name it",
                site, reference, 1, f"Add `dependsOn: {{inputs: [{path[0]}]}}`.", sure=False,
            )  # fmt: skip

    def _variable(self, site: Site, reference: Reference) -> None:
        path = _literal(reference.path[1:])
        if not path or reference.guarded or self.open_variables or path[0] in self.variables:
            return
        hint = suggest(path[0], self.variables) or (
            "The flow has no `variables`."
            if not self.variables
            else f"Declared: {', '.join(sorted(self.variables))}"
        )
        self._say("SIM-REF-003", f"The flow has no variable `{path[0]}`", site, reference, 1, hint)

    def _tasks(self, site: Site, reference: Reference) -> None:
        path = _literal(reference.path[1:])
        if (
            path
            and site.kind != "trigger"
            and path[0] not in self.context.places.tasks
            and not reference.guarded
        ):
            self._say(
                "SIM-REF-004", f"The flow has no task `{path[0]}`", site, reference, 1,
                suggest(path[0], self.context.places.tasks),
            )  # fmt: skip

    def _outputs(self, site: Site, reference: Reference) -> None:
        path = _literal(reference.path[1:])
        if not path or site.kind in ("trigger", "input", "check"):
            return
        places = self.context.places
        target = places.tasks.get(path[0])
        if target is None:
            if not reference.guarded and not _generated(path[0], places.tasks):
                hint = suggest(path[0], places.tasks) or (
                    f"`{path[0]}` is an input: write `inputs.{path[0]}`." if path[0] in self.inputs else None
                )
                self._say("SIM-REF-004", f"The flow has no task `{path[0]}`", site, reference, 1, hint)
            return
        if not self._visible(site, reference, target):
            return
        self._order(site, reference, target)
        self._branch(site, reference, target)
        if target.disabled and not reference.guarded:
            self._say(
                "SIM-REF-010",
                f"The task `{target.id}` is disabled: it has no outputs",
                site,
                reference,
                1,
                None,
                sure=False,
            )
        self._output_name(site, reference, target)

    def _visible(self, site: Site, reference: Reference, target: Task) -> bool:
        """2.0: outputs of a Loop's tasks are seen inside the Loop only."""
        if self.context.dialect.major < 2:
            return True
        here = self._loops_of(site)
        hidden = [
            loop for loop in self.context.places.loops(target.id) if loop.id not in {one.id for one in here}
        ]
        if not hidden:
            return True
        if not reference.guarded:
            self._say(
                "SIM-REF-006", f"Outputs of `{target.id}` are seen only inside the Loop `{hidden[0].id}`", site, reference, 1,
                f"Declare them under `outputs` of `{hidden[0].id}` and read `outputs.{hidden[0].id}.outputs`.",
            )  # fmt: skip
        return False

    def _loops_of(self, site: Site) -> tuple[Task, ...]:
        if site.task is None:
            return ()
        loops = self.context.places.loops(site.task.id)
        if site.task.canonical in LOOPS and site.key in _LATE_KEYS:
            return (*loops, site.task)
        return loops

    def _order(self, site: Site, reference: Reference, target: Task) -> None:
        if site.task is None or reference.guarded:
            return
        place = self.context.places.of.get(site.task.id)
        if place is None or target.id in place.before:
            return
        below = {task.id for task in site.task.walk()}
        if target.id in below and (
            site.key in _LATE_KEYS or any(task.id == target.id for task, _ in place.ancestors)
        ):
            return
        if target.id == site.task.id:
            self._say(
                "SIM-REF-011",
                f"`{target.id}` reads its own outputs: they do not exist yet",
                site,
                reference,
                1,
                None,
            )
        elif target.id in place.beside:
            self._say(
                "SIM-REF-012", f"Nothing says that `{target.id}` has ended when `{site.task.id}` starts", site, reference, 1,
                "They run in no order. Put the reader after it, or let a Dag say `dependsOn`.", sure=False,
            )  # fmt: skip
        else:
            what = "is a child of" if target.id in below else "runs after"
            self._say(
                "SIM-REF-011", f"The outputs of `{target.id}` do not exist yet: it {what} `{site.task.id}`", site, reference, 1,
                f"`{target.id}` stands in line {target.span.start.line}.",
            )  # fmt: skip

    def _branch(self, site: Site, reference: Reference, target: Task) -> None:
        """Outputs of a task that runs in one branch only, read outside of that branch."""
        place = self.context.places.of.get(target.id)
        here = self.context.places.of.get(site.task.id) if site.task is not None else None
        if place is None or reference.guarded or (site.task is not None and here is None):
            return
        around = {(task.id, group) for task, group in here.ancestors} if here is not None else set()
        if site.task is not None and (
            any(task.id == target.id for task, _ in place.ancestors) or target.id == site.task.id
        ):
            return
        for task, group in place.ancestors:
            one_of_several = group in ("then", "else", "defaults") or group.startswith("cases.")
            if not one_of_several or (task.id, group) in around or task is site.task:
                continue
            branch = f"case {group.removeprefix('cases.')}" if group.startswith("cases.") else group
            self._say(
                "SIM-REF-014", f"`{target.id}` runs only when `{task.id}` takes the branch `{branch}`", site, reference, 1,
                f"Guard it: {{{{ outputs.{target.id}.x ?? '' }}}}, or move the reader into the branch.", sure=False,
            )  # fmt: skip
            return

    def _output_name(self, site: Site, reference: Reference, target: Task) -> None:
        spec = self.context.catalog.spec(target.type, self.context.dialect)
        path = reference.path[2:]
        if spec is None or spec.open_outputs or not path:
            return
        names = {one.name: one for one in spec.outputs if _in(one, self.context.dialect.major)}
        if self.context.dialect.major == 1 and self.context.places.loops(target.id):
            # Outputs of a loop's tasks are maps by value: outputs.task["value"].name
            if isinstance(path[0], str) and path[0] in names and not reference.guarded:
                self._say(
                    "SIM-REF-013", f"`{target.id}` runs once per value: its outputs lie under the value", site, reference, 2,
                    f"Inside the loop write `outputs.{target.id}[taskrun.value].{path[0]}`.", sure=False,
                )  # fmt: skip
            return
        self._in_fields(site, reference, target, names, 2)

    def _in_fields(
        self, site: Site, reference: Reference, target: Task, names: dict[str, OutputSpec], part: int
    ) -> None:
        word = reference.path[part] if part < len(reference.path) else DYNAMIC
        if (
            not isinstance(word, str)
            or reference.guarded
            or (part == len(reference.path) - 1 and reference.called)
        ):
            return
        if word not in names:
            hint = suggest(word, names) or (
                f"It has: {', '.join(sorted(names))}" if names else "It has no outputs."
            )
            short = target.type.rpartition(".")[2]
            self._say(
                "SIM-REF-005", f"`{target.id}` ({short}) has no output `{word}`", site, reference, part, hint
            )
            return
        found = names[word]
        if found.type is T.OBJECT and found.fields and found.item is None:
            self._in_fields(site, reference, target, {one.name: one for one in found.fields}, part + 1)

    def _taskrun(self, site: Site, reference: Reference) -> None:
        path = _literal(reference.path[1:])
        if (
            not path
            or path[0] not in ("value", "iteration")
            or reference.guarded
            or site.task is None
            or site.kind != "task"
        ):
            return
        place = self.context.places.of.get(site.task.id)
        if place is None:
            return
        loops = self.context.places.loops(site.task.id)
        if self.context.dialect.major >= 2:
            if path[0] == "iteration" and any(
                task.canonical and task.canonical.endswith(".LoopUntil") for task, _ in place.ancestors
            ):
                return
            known = site.task.canonical or ""
            if known.endswith(".ForEachItem"):
                return
            hint = (
                f"In a Loop write `item.{'value' if path[0] == 'value' else 'index'}`."
                if loops
                else "It exists only in loops."
            )
            self._say("SIM-REF-007", f"`taskrun.{path[0]}` is not set here", site, reference, 1, hint)
            return
        if (site.task.canonical or "").endswith(".ForEachItem"):
            return
        if path[0] == "iteration" and place.ancestors:
            return
        parent = next(
            (
                task
                for task, _ in reversed(place.ancestors)
                if not (task.canonical or "").endswith(".WorkingDirectory")
            ),
            None,
        )
        if parent is not None and (parent.canonical in LOOPS or parent.canonical is None):
            return
        # Inside a loop it is the wrong name for something that is there; outside there is nothing to find.
        hint = (
            "Write `parent.taskrun.value`: only the loop's own children have a value."
            if loops
            else "It exists only for the children of a loop (ForEach)."
        )
        self._say(
            "SIM-REF-007", f"`taskrun.{path[0]}` is not set here", site, reference, 1, hint, sure=not loops
        )

    def _item(self, site: Site, reference: Reference) -> None:
        if self.context.dialect.major < 2 or reference.guarded or site.kind != "task":
            return
        if not self._loops_of(site):
            self._say("SIM-REF-008", "`item` exists only inside a Loop", site, reference, 0, None)


def _literal(path: Iterable[Any]) -> list[str]:
    words: list[str] = []
    for word in path:
        if not isinstance(word, str):
            break
        words.append(word)
    return words


def _in(output: OutputSpec, major: int) -> bool:
    return output.since <= major and (output.until is None or major <= output.until)


def _generated(name: str, tasks: dict[str, Task]) -> bool:
    """The inner runs of a ForEachItem: `<id>_split`, `<id>_items`, `<id>_merge`."""
    return any(name == f"{task.id}{end}" for task in tasks.values() for end in ("_split", "_items", "_merge"))


def _variables(declared: Any, tasks: Iterable[Task]) -> tuple[set[str], bool]:
    """The names under `vars`, and whether there may be others (set by an expression)."""
    names = set(declared)
    unknown = False
    for task in tasks:
        if task.type.endswith(".SetVariables"):
            value = task.properties.get("variables")
            if isinstance(value, dict):
                names |= set(value)
            else:
                unknown = True
    return names, unknown
