"""The rule table: what Kestra 2.0 refuses, ignores, reads differently or merely renamed, as data.

One row per rule. A row says *what* is found (`what`), what follows from it in 2.0 (`kind`), how far we rewrite
it (`auto`), whether Kestra 1.1 reads the rewritten form too (`keeps_v1`, for --stay-1-compatible), and what a
person has to do where we do not (`advice`). Finding and rewriting live in `simulator.migrate.steps`; the ids
are those of the reference (migration.md 3 to 6), the codes are ours and stable.

    >>> rule("EXP-06").code
    'SIM-MIG-706'
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from simulator.diagnostics import Severity

__all__ = ["RULES", "Auto", "Kind", "Rule", "rule"]


class Kind(enum.Enum):
    """What 2.0 does with the old form."""

    REFUSED = "refused"
    """The flow cannot be saved."""
    FAILS = "fails"
    """It is saved, and the execution fails."""
    IGNORED = "ignored"
    """It is read and has no effect."""
    CHANGED = "silently-changed"
    """It runs and does something else."""
    RENAMED = "renamed"
    """The old name still works and is deprecated."""
    ADVICE = "advice"
    """Nothing in the file is wrong; something outside of it may be."""

    @property
    def severity(self) -> Severity:
        return _SEVERITIES[self]


_SEVERITIES = {
    Kind.REFUSED: Severity.ERROR,
    Kind.FAILS: Severity.ERROR,
    Kind.IGNORED: Severity.WARNING,
    Kind.CHANGED: Severity.WARNING,
    Kind.RENAMED: Severity.NOTICE,
    Kind.ADVICE: Severity.NOTICE,
}


class Auto(enum.Enum):
    """How far a rule is rewritten."""

    ALWAYS = "yes"
    SOMETIMES = "part"
    NEVER = "no"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    number: int
    kind: Kind
    auto: Auto
    keeps_v1: bool
    what: str
    advice: str

    @property
    def code(self) -> str:
        return f"SIM-MIG-{self.number:03d}"


_REFUSED, _FAILS, _IGNORED = Kind.REFUSED, Kind.FAILS, Kind.IGNORED
_CHANGED, _RENAMED, _ADVICE = Kind.CHANGED, Kind.RENAMED, Kind.ADVICE
_YES, _PART, _NO = Auto.ALWAYS, Auto.SOMETIMES, Auto.NEVER
_BOTH, _ONLY_2 = True, False

_ROWS: tuple[Rule, ...] = (
    # The flow itself
    Rule("FLOW-01", 1, _REFUSED, _PART, _BOTH, "`pluginDefaults` of a flow are gone",
         "write the values into each task, or move them to a policy (Enterprise Edition)"),
    Rule("FLOW-02", 2, _REFUSED, _PART, _BOTH, "`taskDefaults` of a flow are gone",
         "write the values into each task, or move them to a policy (Enterprise Edition)"),
    Rule("FLOW-03", 3, _REFUSED, _PART, _BOTH, "`forced` plugin defaults of a flow are gone",
         "write the values into each task; a policy with `override: true` does the same (Enterprise Edition)"),
    Rule("FLOW-04", 4, _REFUSED, _NO, _ONLY_2, "`listeners` are gone",
         "move their tasks to `afterExecution` (conditions on the state become `runIf`), or to a flow of its "
         "own with a Flow trigger"),
    Rule("FLOW-05", 5, _RENAMED, _YES, _ONLY_2, "`condition` of a check is called `when`", "rename it"),
    Rule("FLOW-06", 6, _REFUSED, _PART, _ONLY_2, "`workerGroup` became `workerSelector` (Enterprise Edition)",
         "give the tag of a worker queue; a queue with this tag has to exist"),
    Rule("FLOW-07", 7, _REFUSED, _NO, _BOTH, "`[[> file]]` includes are no longer expanded",
         "put the file's content in its place"),
    Rule("FLOW-08", 8, _ADVICE, _NO, _BOTH, "the flow id is a word that Kestra 1.x reserves",
         "Kestra 2.0 takes it; rename the flow if it has to run in 1.x as well"),
    Rule("FLOW-09", 9, _REFUSED, _YES, _BOTH, "flow outputs of type BOOLEAN or ENUM are gone",
         "write BOOL or SELECT"),
    Rule("FLOW-10", 10, _CHANGED, _NO, _ONLY_2, "`concurrency.limit: 1` together with a Loop can block for ever",
         "each iteration is an execution of its own: raise the limit, or leave the loop out of this flow"),
    Rule("FLOW-11", 11, _REFUSED, _NO, _ONLY_2, "`quotas` are only available in the Enterprise Edition",
         "remove them"),
    Rule("FLOW-12", 12, _REFUSED, _NO, _BOTH, "the id or the namespace is too long",
         "an id has at most 100 characters, a namespace at most 150"),
    Rule(
        "FLOW-13",
        13,
        _REFUSED,
        _NO,
        _BOTH,
        "keys of labels begin with a lower case letter",
        "rename the key (letters, digits, `-`, `_`, `.`), and where the label is asked for",
    ),
    # Inputs
    Rule("INP-01", 101, _REFUSED, _YES, _BOTH, "`name` of an input is called `id`", "rename it"),
    Rule("INP-02", 102, _REFUSED, _YES, _BOTH, "the input type BOOLEAN is called BOOL", "rename it"),
    Rule("INP-03", 103, _REFUSED, _YES, _BOTH, "the input type ENUM is called SELECT", "rename it"),
    Rule("INP-04", 104, _REFUSED, _YES, _BOTH, "`options` of a MULTISELECT are called `values`", "rename it"),
    Rule("INP-05", 105, _REFUSED, _YES, _BOTH, "`extension` of a FILE input is gone",
         "remove it; the uploaded file keeps its own name (`allowedFileExtensions` is a check, not a name)"),
    Rule("INP-06", 106, _REFUSED, _YES, _BOTH, "an input with `defaults` cannot have `required: false`",
         "remove `required: false`, or use `prefill` when a user may clear the value"),
    Rule("INP-07", 107, _REFUSED, _NO, _ONLY_2, "an input cannot have both `defaults` and `prefill`",
         "keep one of them: `defaults` is always applied, `prefill` is only shown in the form"),
    Rule("INP-08", 108, _FAILS, _NO, _BOTH, "the default of an input reads what does not exist before the "
         "execution",
         "drop the default, write `required: false`, and put `??` with the value where the input is used"),
    Rule("INP-09", 109, _REFUSED, _NO, _BOTH, "a trigger gives no value to an input that has no default",
         "give the value under `inputs` of the trigger, or give the input a default"),
    Rule("INP-10", 110, _CHANGED, _YES, _BOTH, "`inputs` of a trigger is a map, not a list", "write a map"),
    # Types
    Rule("TYPE-A", 201, _REFUSED, _YES, _BOTH, "names below `io.kestra.core` are gone",
         "write the type's present name"),
    Rule("TYPE-B", 202, _REFUSED, _YES, _BOTH, "this alias of a type is gone", "write the type's present name"),
    Rule("TYPE-C", 203, _RENAMED, _YES, _BOTH, "this name of a type is deprecated",
         "write the type's present name"),
    Rule("TYPE-D", 204, _REFUSED, _PART, _ONLY_2, "this type is gone", "use what replaces it"),
    Rule("TYPE-E", 205, _REFUSED, _PART, _ONLY_2, "the plugin's type has another name now",
         "write the new name; have the plugin's new package installed"),
    Rule("TYPE-F", 206, _REFUSED, _YES, _BOTH, "`debug.Echo` is gone, `log.Log` does the same",
         "write log.Log, `format` is called `message` there"),
    Rule("TYPE-G", 207, _REFUSED, _PART, _BOTH, "`flow.Template` is gone",
         "make the template a flow of its own and call it as a Subflow: `templateId` becomes `flowId`, `args` "
         "become `inputs`, and its tasks read `inputs.x` in place of `parent.outputs.args.x`"),
    # Properties of tasks and triggers
    Rule("TASK-01", 301, _REFUSED, _YES, _BOTH, "`maxAttempt` of a retry is called `maxAttempts`", "rename it"),
    Rule("TASK-02", 302, _REFUSED, _YES, _BOTH, "`delay` of a Pause is called `pauseDuration`", "rename it"),
    Rule("TASK-03", 303, _REFUSED, _PART, _BOTH, "a Pause has no `tasks` of its own any more",
         "put them right behind the Pause, in the same list"),
    Rule("TASK-04", 304, _REFUSED, _NO, _BOTH, "`outputs` of a Subflow are gone",
         "declare them as `outputs` of the called flow and read `outputs.<task>.outputs.<id>`"),
    Rule("TASK-05", 305, _REFUSED, _PART, _ONLY_2, "`scheduleConditions` are gone", "write an expression in `when`"),
    Rule("TASK-06", 306, _REFUSED, _YES, _BOTH, "`backfill` of a Schedule is gone",
         "remove it; backfills are started from the interface or the API"),
    Rule("TASK-07", 307, _REFUSED, _YES, _BOTH, "`minLogLevel` of a trigger is called `logLevel`", "rename it"),
    Rule("TASK-08", 308, _REFUSED, _YES, _ONLY_2, "the state of Exit is spelled CANCELLED", "write CANCELLED"),
    Rule("TASK-09", 309, _REFUSED, _YES, _BOTH, "the state is spelled CANCELLED", "write CANCELLED"),
    Rule("TASK-10", 310, _REFUSED, _YES, _ONLY_2, "`expiredOnly` of PurgeKV is part of `behavior`",
         "write `behavior: {type: key, expiredOnly: ...}`"),
    Rule("TASK-11", 311, _REFUSED, _YES, _BOTH, "`allowFailed` of an HTTP task belongs below `options`", "move it"),
    Rule("TASK-12", 312, _REFUSED, _YES, _BOTH, "`sslOptions` of an HTTP task are `options.ssl`", "move them"),
    Rule("TASK-13", 313, _REFUSED, _YES, _BOTH, "the basic authentication of an HTTP task is `options.auth`",
         "write `auth: {type: BASIC, username: ..., password: ...}`"),
    Rule("TASK-14", 314, _REFUSED, _YES, _BOTH, "the time limits of an HTTP task belong below `options.timeout`",
         "write `timeout: {connectTimeout: ..., readIdleTimeout: ...}`"),
    Rule("TASK-15", 315, _REFUSED, _YES, _BOTH, "the proxy of an HTTP task is `options.proxy`",
         "write `proxy: {type, address, port, username, password}`"),
    Rule("TASK-16", 316, _REFUSED, _YES, _BOTH, "`options.logLevel` of an HTTP task is a list `logs`",
         "name what is to be logged: REQUEST_HEADERS, REQUEST_BODY, RESPONSE_HEADERS, RESPONSE_BODY"),
    Rule("TASK-17", 317, _REFUSED, _YES, _BOTH, "this option of an HTTP task is gone (1.x ignored it already)",
         "remove it"),
    Rule("TASK-18", 318, _CHANGED, _YES, _BOTH, "fs.local.Delete no longer deletes folders with their content",
         "write `recursive: true` to keep it so"),
    Rule("TASK-19", 319, _ADVICE, _NO, _BOTH, "a file listing stops after 25 files unless told otherwise",
         "set `maxFiles` when there may be more"),
    Rule("TASK-20", 320, _FAILS, _NO, _BOTH, "a Query runs a single SQL statement",
         "use the Queries task of the same plugin; its results are read at `outputs.<task>.outputs[n]`"),
    Rule("TASK-21", 321, _REFUSED, _YES, _BOTH, "`autocommit` of a JDBC task is gone", "remove it"),
    Rule("TASK-22", 322, _ADVICE, _NO, _BOTH, "the default branch of git tasks is `main` since 0.21",
         "name the branch"),
    Rule("TASK-23", 323, _CHANGED, _YES, _BOTH, "`version` is the version of the plugin now",
         "use the property's own name"),
    Rule("TASK-24", 324, _ADVICE, _NO, _BOTH, "LoopUntil waits a minute between rounds and has no end by default",
         "set `checkFrequency` with interval, maxIterations and maxDuration"),
    Rule("TASK-25", 325, _RENAMED, _PART, _BOTH, "`fetch` and `store` are one property `fetchType`",
         "write `fetchType: FETCH`, `FETCH_ONE`, `STORE` or `NONE`"),
    Rule("TASK-26", 326, _REFUSED, _YES, _ONLY_2, "the property of a dashboard has another name now", "rename it"),
    Rule("SCR-01", 401, _CHANGED, _YES, _BOTH, "`runner: PROCESS` is ignored: the script would run in Docker",
         "write `taskRunner: {type: io.kestra.plugin.core.runner.Process}`"),
    Rule("SCR-02", 402, _IGNORED, _YES, _BOTH, "`runner: DOCKER` is ignored (Docker is the default)", "remove it"),
    Rule("SCR-03", 403, _REFUSED, _YES, _BOTH, "`docker` of a script task is gone",
         "`image` is `containerImage` of the task, everything else belongs to the Docker `taskRunner`"),
    Rule("SCR-04", 404, _FAILS, _NO, _BOTH, "`outputDir` only exists when asked for",
         "write `outputDirectory: true`, or collect the files with `outputFiles`"),
    Rule("SCR-05", 405, _IGNORED, _YES, _BOTH, "`warningOnStdErr` has no effect since 0.23", "remove it"),
    Rule("STATE-01", 451, _REFUSED, _PART, _BOTH, "the state store is gone", "keep the value in the KV store"),
    Rule("STATE-02", 452, _CHANGED, _NO, _BOTH, "state.Set merged into what was there, kv.Set replaces it",
         "read the old value first and write the merged one, or use kv.Put (2.0)"),
    Rule("STATE-03", 453, _ADVICE, _NO, _BOTH, "states written by 1.x come back from the KV store as base64 text",
         "write the state once in its new form before the flow reads it, or decode it: "
         "`fromJson(outputs.<task>.value | base64decode)`"),
    Rule("AUTH-01", 461, _REFUSED, _NO, _ONLY_2, "auth: must not be null",
         "the task calls Kestra's API: give it `auth`"),
    Rule("AUTH-02", 462, _ADVICE, _NO, _ONLY_2, "the task calls Kestra's API and may be refused (401)",
         "give it `auth`, or configure `kestra.tasks.sdk.authentication`"),
    # Loops
    Rule("LOOP-01", 501, _REFUSED, _PART, _ONLY_2, "`ForEach` became `Loop`", "write a Loop"),
    Rule("LOOP-02", 502, _REFUSED, _PART, _ONLY_2, "`EachSequential` became `Loop`", "write a Loop"),
    Rule("LOOP-03", 503, _REFUSED, _PART, _ONLY_2, "`EachParallel` became `Loop`",
         "write a Loop with `concurrencyLimit`, its tasks in a Parallel"),
    Rule("LOOP-04", 504, _FAILS, _PART, _ONLY_2, "`taskrun.value` does not exist in a Loop", "write `item.value`"),
    Rule("LOOP-05", 505, _FAILS, _PART, _ONLY_2, "`taskrun.iteration` does not exist in a Loop",
         "write `item.index`"),
    Rule("LOOP-06", 506, _FAILS, _PART, _ONLY_2, "`parent` and `parents` do not lead to the values of a Loop",
         "write `item.value` or `item.parent.value`"),
    Rule("LOOP-07", 507, _FAILS, _PART, _ONLY_2, "outputs inside of a Loop are read without the value",
         "write `outputs.<task>.<name>`"),
    Rule("LOOP-08", 508, _FAILS, _PART, _ONLY_2, "the number of results of a Loop has its own output",
         "write `outputs.<loop>.iterationCount`"),
    Rule("LOOP-09", 509, _REFUSED, _NO, _ONLY_2, "this loop cannot be turned into a Loop by itself",
         "rewrite it by hand"),
    Rule("LOOP-10", 510, _FAILS, _NO, _ONLY_2, "outputs of the tasks in a Loop cannot be read from outside",
         "declare them as `outputs` of the Loop (id, type, value) and read "
         "`loopOutputs(outputs.<loop>.outputs, '<id>')`"),
    Rule("LOOP-12", 512, _REFUSED, _PART, _ONLY_2, "`ForEachItem` became Split, Loop and Subflow",
         "split the file with storage.Split, loop over `outputs.<split>.uris`, call the Subflow with `item.value`"),
    Rule("LOOP-13", 513, _FAILS, _PART, _ONLY_2, "the outputs of the task runs of a ForEachItem are gone",
         "declare the Subflow's outputs on the Loop and read `loopOutputs(outputs.<loop>.outputs, '<id>')`, or join "
         "files with storage.Concat"),
    Rule("LOOP-14", 514, _CHANGED, _NO, _ONLY_2, "`errors` and `finally` of a Loop run in every iteration, "
         "not once",
         "put the loop into a Sequential and move them there"),
    Rule("LOOP-15", 515, _CHANGED, _NO, _ONLY_2, "EachParallel limited task runs, Loop limits iterations",
         "check `concurrencyLimit`"),
    Rule("LOOP-16", 516, _CHANGED, _NO, _ONLY_2, "1.x has no such output of a task in a loop, a Loop has",
         "check the expression: 1.x kept these outputs by value, so it failed (or took its default)"),
    Rule("LOOP-17", 517, _CHANGED, _NO, _ONLY_2, "a failure that is allowed inside of a Loop no longer gives WARNING",
         "the iteration ends WARNING, the Loop and the execution SUCCESS: look at the outputs of the Loop where it matters"),
    # Triggers
    Rule("TRIG-01", 601, _REFUSED, _PART, _ONLY_2, "`conditions` of a trigger are gone", "write `when`"),
    Rule("TRIG-02", 602, _REFUSED, _PART, _ONLY_2, "`preconditions` of a Flow trigger are gone",
         "write `dependsOn` and `window`"),
    Rule("TRIG-04", 604, _CHANGED, _NO, _ONLY_2, "these conditions can never hold together", "was `or` meant?"),
    Rule("TRIG-05", 605, _CHANGED, _NO, _ONLY_2, "the end points of this time range differ by an instant",
         "1.x left out both end points"),
    Rule("TRIG-06", 606, _CHANGED, _NO, _ONLY_2, "with several flows `trigger.outputs` is grouped by flow",
         "read `trigger.outputs.<flowId>.<name>`"),
    # Expressions
    Rule("EXP-01", 701, _FAILS, _YES, _BOTH, "the function `json` is called `fromJson`", "rename it"),
    Rule("EXP-02", 702, _FAILS, _YES, _BOTH, "the filter `json` is called `toJson`", "rename it"),
    Rule("EXP-03", 703, _FAILS, _YES, _ONLY_2, "the argument `version` is called `revision`", "rename it"),
    Rule("EXP-04", 704, _FAILS, _PART, _ONLY_2, "the function `currentEachOutput` is gone",
         "in a Loop, read `outputs.<task>` itself"),
    Rule("EXP-05", 705, _FAILS, _PART, _BOTH, "Ion files are binary: `read` no longer gives their text",
         "write `fromIon(read(...))`, with `allRows=true` for all records"),
    Rule("EXP-06", 706, _CHANGED, _YES, _BOTH, "`??`, `???` and `isIn` bind less tightly",
         "put parentheses around what belongs together in 1.x"),
    Rule("EXP-09", 709, _ADVICE, _NO, _BOTH, "`kv` fails when the key does not exist",
         "write `errorOnMissing=false` where it may be missing"),
    Rule("EXP-11", 711, _ADVICE, _NO, _BOTH, "variables of the environment have the prefix `ENV_` since 0.23",
         "name the server's variable accordingly"),
    Rule("EXP-12", 712, _ADVICE, _NO, _BOTH, "an expression inside of a variable is not rendered by itself",
         "write `render(vars.x)`"),
    Rule("EXP-13", 713, _REFUSED, _YES, _BOTH, "a name with a dash needs brackets", "write `inputs['a-b']`"),
    Rule(
        "EXP-16",
        716,
        _FAILS,
        _YES,
        _BOTH,
        "the variable `schedule` is gone",
        "read `trigger`, which holds the same",
    ),
    Rule(
        "EXP-17",
        717,
        _FAILS,
        _PART,
        _BOTH,
        "`parent` and `parents` hold no outputs, and `parents` lists every ancestor",
        "read `outputs.<task>` of the task that is meant",
    ),
)  # fmt: skip

RULES: dict[str, Rule] = {row.id: row for row in _ROWS}


def rule(rule_id: str) -> Rule:
    """The rule of an id. Raises KeyError for an unknown one."""
    return RULES[rule_id]
