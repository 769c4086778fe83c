"""Every diagnostic code with its title and an explanation: what `simulate explain CODE` shows.

A code never changes its meaning; a new rule gets a new number. Families: YAML (the file), FLOW (Kestra's own
validation), TYPE (types and values), EXPR and REF (expressions and what they refer to), SECRET, ENV (env files), FILE,
DEAD, DATA, DIALECT, INPUT and OUTPUT (values), and those that arise while a flow runs.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CODES", "Code"]


class Code(NamedTuple):
    """`title` is one line; `text` says why it is said and what to do."""

    title: str
    text: str


CODES: dict[str, Code] = {
    "SIM-YAML-001": Code("YAML syntax error", "Kestra cannot read the file. The message is its reader's own; the hint below it names the usual cause: a text with a colon or a leading special character without quotes, a tab, an indentation that fits no line above."),
    "SIM-YAML-002": Code("The file is no text", "Kestra reads UTF-8. Save the file as UTF-8; a byte order mark is fine."),
    "SIM-YAML-003": Code("The same key twice", "Kestra refuses a map that holds a key twice. Keep one of them; for several tasks use a list."),
    "SIM-YAML-004": Code("A key that is no text", "A map key must be a plain text. The usual cause is an expression without quotes: `key: {{ x }}` is read as a map inside a map; write `key: \"{{ x }}\"`."),
    "SIM-YAML-005": Code("A number that cannot be read", "`.inf`, `.nan` and overlong numbers are numbers to YAML but not to Kestra's reader. Quote them to get a text."),
    "SIM-YAML-006": Code("The file is too large or too deep", "The reader limits the size, the nesting and the number of nodes of a file."),
    "SIM-YAML-007": Code("The file is empty", "A flow needs at least `id`, `namespace` and `tasks`."),
    "SIM-YAML-010": Code("More than one document in a file", "Kestra reads the first document of a file and ignores the others. Put every flow into a file of its own."),
    "SIM-YAML-011": Code("An alias is not resolved", "Kestra's reader does not resolve YAML aliases: `*name` becomes the text `name`. Repeat the value, or use `variables` and {{ vars.x }}, or `pluginDefaults`."),
    "SIM-YAML-012": Code("A merge key is not resolved", "`<<` is an ordinary key for Kestra, which then refuses it as unknown. Use `pluginDefaults` for values that tasks share."),
    "SIM-FLOW-001": Code("The flow is not valid", "Kestra would refuse to save this flow."),
    "SIM-FLOW-002": Code("The file is no flow", "The file is binary or far too large."),
    "SIM-FLOW-010": Code("Invalid type", "Kestra knows no such type at this place (or none is given). Types of core plugins are a closed set, so a misspelt one is an error; the hint names the nearest, or the line of Kestra that has it."),
    "SIM-FLOW-011": Code("Unrecognized field", "Kestra refuses keys that a type does not have. The hint names the nearest key, or the line of Kestra that has it."),
    "SIM-FLOW-012": Code("Another kind of file", "The file is a test suite, a dashboard or an app, not a flow."),
    "SIM-FLOW-013": Code("Illegal flow source", "A value does not fit its field: a list where a map is wanted, a text that is no number, an enum constant that does not exist (upper and lower case count)."),
    "SIM-FLOW-014": Code("Needs a later version", "The property exists in later versions than the one of the 1.x line that is followed here. Kestra 1.1 refuses it."),
    "SIM-FLOW-020": Code("A value out of bounds", "A number or text breaks a limit of its field."),
    "SIM-FLOW-021": Code("A required key is missing", "Kestra refuses the flow until the key is there (a plugin default may give it, too)."),
    "SIM-FLOW-022": Code("A name that is not allowed", "Ids and namespaces follow patterns: flow ids may hold dots, task ids may not; namespaces have no upper case."),
    "SIM-FLOW-023": Code("A retry that contradicts itself", "`interval` must be less than `maxInterval` and `maxDuration`, `maxInterval` less than `maxDuration`."),
    "SIM-FLOW-024": Code("Children that the flowable does not take", "No children, children of the wrong kind, or dependencies of a Dag that do not exist or go round in a circle."),
    "SIM-FLOW-025": Code("A schedule that cannot be read", "Five cron fields (six with `withSeconds`), and a time zone of the tz database."),
    "SIM-FLOW-026": Code("An input that contradicts itself", "In 2.0 an input with `defaults` must be required and have no `prefill`; a FORM has neither; a validator must be a Java regular expression."),
    "SIM-FLOW-027": Code("A plugin default that is not valid", "`type` and `values` are needed, and for a full type name every key must exist in it."),
    "SIM-FLOW-030": Code("A rule over the whole flow", "One of Kestra's rules over the whole flow (reserved ids, system labels, conflicting input paths)."),
    "SIM-FLOW-031": Code("A name used twice", "Task ids are unique in the whole flow, children, errors and finally included; so are the ids of triggers, inputs and outputs."),
    "SIM-FLOW-032": Code("A flow that calls itself", "Kestra refuses a Subflow task that names its own flow literally."),
    "SIM-FLOW-033": Code("dependsOn of an input", "It names an input that does not exist, or the inputs depend on each other in a circle. Children of a FORM are named `<form>.<child>`."),
    "SIM-FLOW-034": Code("A schedule without the inputs it needs", "2.0: every input without `defaults` must be given in the trigger's `inputs`."),
    "SIM-FLOW-035": Code("A dash in a path", "`inputs.my-input` is read as a subtraction. Write `inputs['my-input']`."),
    "SIM-FLOW-040": Code("Deprecated", "It still works; the text says what replaces it."),
    "SIM-FLOW-041": Code("A key of the blueprint catalogue", "`extend` describes a blueprint in Kestra's catalogue. The flow itself has no such key: Kestra refuses it when the flow is saved as it is."),
    "SIM-FLOW-042": Code("An old type name", "The name is an alias. 2.0 has dropped most aliases of core types; `simulate migrate` renames them."),
    "SIM-FLOW-043": Code("A key without effect", "`timeout`, `taskCache` and worker routing count for runnable tasks only."),
    "SIM-TYPE-001": Code("A value of the wrong type", "The property is converted when the task runs, and this literal can only fail then."),
    "SIM-TYPE-002": Code("A text where a list or map is wanted", "Kestra parses such a text as JSON when the task runs. Write a YAML list or map, JSON text, or one expression that renders to JSON."),
    "SIM-TYPE-003": Code("A key without a value", "Kestra reads a key without a value as the empty text, not as null. Give it a value, or take it out."),
    "SIM-TYPE-010": Code("A type that is not known here", "The plugin exists perhaps, but nothing is known of it here: its properties are not checked and it cannot run. Mock it: `--mock TASK=outputs.json`, `mocks:` in the side file, or fixtures of a test suite. `simulate mocks FLOW` writes a skeleton."),
    "SIM-DIALECT-001": Code("Read as a flow for Kestra 1.x", "The dialect is 2.0 unless the flow uses something that 2.0 refuses and 1.x accepts. `--kestra 1` or `--kestra 2` chooses by hand; `simulate migrate` rewrites the flow."),
    "SIM-EXPR-001": Code("An expression that cannot be parsed", "The task will fail when it is rendered. Pebble is not Jinja: there is no `not in`, quotes in quotes need the other kind, and a map literal needs a blank before `}}`."),
    "SIM-EXPR-002": Code("An unknown filter, function or test", "Kestra has no such name in this dialect, or it does not take this argument. The hint names the nearest one."),
    "SIM-REF-001": Code("No such input", "The expression reads an input that the flow does not declare: rendering fails. Survive a missing one with `??` or `| default(..)`."),
    "SIM-REF-002": Code("An input that is not visible here", "The default, condition or expression of an input sees only the inputs that its `dependsOn` names."),
    "SIM-REF-003": Code("No such variable", "The expression reads a variable that the flow does not declare."),
    "SIM-REF-004": Code("No such task", "The expression reads the outputs or the state of a task that the flow does not have."),
    "SIM-REF-005": Code("No such output", "The type of the task has no output of that name."),
    "SIM-REF-006": Code("Outputs inside a Loop", "In 2.0 every iteration of a Loop is an execution of its own: outside of the Loop only `outputs.<loop>.outputs` is there."),
    "SIM-REF-007": Code("taskrun.value is not set here", "Only the direct children of a loop have a value. Below a nested flowable write `parent.taskrun.value`; in a Loop of 2.0 write `item.value`."),
    "SIM-REF-008": Code("item outside of a Loop", "`item` is set for the tasks inside a Loop only."),
    "SIM-REF-009": Code("No such name", "Expressions know flow, execution, task, taskrun, inputs, outputs, vars, labels, trigger, envs and a few more. Anything else must be reached through one of them."),
    "SIM-REF-010": Code("Outputs of a disabled task", "A disabled task leaves no outputs."),
    "SIM-REF-011": Code("Outputs that do not exist yet", "The task runs later than the reader (or is the reader itself)."),
    "SIM-REF-012": Code("No order between the two", "Tasks of a Parallel, or of a Dag without dependency, run in no order."),
    "SIM-REF-013": Code("Outputs in a loop lie under the value", "In 1.x a task inside a loop has one set of outputs per value: `outputs.task[taskrun.value].x`."),
    "SIM-REF-014": Code("Outputs of a branch that may not run", "The task stands in one branch of an If or Switch. When another branch is taken it has no outputs, and the expression fails. Guard it with `??` or `default`, or read it inside the branch."),
    "SIM-REF-020": Code("No such subflow", "No flow of that name lies beside this one. Point at its folder: `simulate check DIR`, `--flows DIR`."),
    "SIM-REF-021": Code("A disabled subflow", "A disabled flow cannot be started."),
    "SIM-REF-022": Code("An input that the subflow does not have", "It is dropped with a warning when the subflow starts."),
    "SIM-REF-023": Code("A required input is not given", "The subflow declares it without a default: the task will fail."),
    "SIM-SECRET-030": Code("A secret that is not given", "The flow reads a secret that no env file of this run gives. Add `SECRET_<NAME>` with the base64 of its value (`simulate secrets encode .env`)."),
    "SIM-SECRET-031": Code("A secret in clear", "A password stands in the flow's text. Put it into the env file and read it with {{ secret('NAME') }}."),
    "SIM-FILE-001": Code("No such namespace file", "The flow reads a namespace file that is not there."),
    "SIM-DEAD-001": Code("A condition that never changes", "A branch or a task can never run."),
    "SIM-DEAD-002": Code("Tasks behind the end", "A Fail or Exit without a condition ends the execution: what follows never runs."),
    "SIM-DATA-001": Code("Ion under another name", "Rows that a query or a converter stores (`fetchType: STORE`) are a file of Amazon Ion, not of CSV or JSON. An upload copies the bytes as they are, so `users.csv` would hold Ion. Put a converter between, such as io.kestra.plugin.serdes.csv.IonToCsv."),
    "SIM-INPUT-001": Code("An input value that is refused", "The value is missing, of the wrong type, or breaks a rule of the input."),
    "SIM-INPUT-010": Code("A choice without values", "A SELECT needs `values` or an `expression`."),
    "SIM-OUTPUT-001": Code("A flow output of the wrong type", "The rendered value cannot be converted to the output's type: the execution becomes FAILED."),
    "SIM-SECRET-001": Code("A secret or env file that cannot be used", "The env file cannot be read or decoded; the message says where."),
    "SIM-SIDE-001": Code("The side file is not valid", "`<flow>.sim.yml` has a key or value that is not known."),
    "SIM-STORAGE-001": Code("The internal storage refuses", "A file does not exist, or the path leaves the storage."),
    "SIM-TASK-001": Code("A task failed", "The message is what Kestra would log."),
    "SIM-TASK-002": Code("A task ran into its timeout", "The task's `timeout` passed before it ended."),
    "SIM-NET-001": Code("A call that would leave the machine", "Only doubles and this machine are reachable unless a host is allowed (`--allow HOST`) or a double is replaced by the real thing (`--live NAME`)."),
    "SIM-DOUBLE-001": Code("A double cannot start", "The test double of a service did not come up; `simulate doctor` tries each of them."),
    "SIM-UNSUPPORTED-001": Code("Valid for Kestra, not run here", "The flow uses something that this simulator does not run. Mock the task, or run it on Kestra."),
    "SIM-USAGE-001": Code("The command line is wrong", "`simulate COMMAND --help` shows what it takes."),
    "SIM-USAGE-005": Code("Nothing found", "No flow, execution or file matches."),
    "SIM-USAGE-130": Code("Interrupted", "Ctrl-C or a termination signal ended the command."),
    "SIM-INTERNAL-001": Code("A bug of the simulator", "Please report it with the flow; SIMULATE_DEBUG=1 shows where it happened."),
}  # fmt: skip
