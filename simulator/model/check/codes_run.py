"""Codes of what is said beside a check: env files and secrets, doubles, mocks, storage, plugins, the run itself."""

from __future__ import annotations

__all__ = ["RUN_CODES"]

#: code -> (title, explanation)
RUN_CODES: dict[str, tuple[str, str]] = {
    "SIM-INPUT-002": ("An input that the flow does not declare", "Kestra drops it with a warning and starts the execution all the same; mostly the name is misspelt."),
    "SIM-ENV-001": ("An env file that cannot be read", "The file is missing, unreadable or far too large."),
    "SIM-ENV-002": ("An env file that is no text", "Save the file as UTF-8."),
    "SIM-ENV-003": ("A line without a variable name", "A line is `NAME=value`; names have no blanks. `export` before a name belongs to a shell, not to an env file."),
    "SIM-ENV-004": ("A name without a value", "A line without `=` takes its value from the environment, which has none."),
    "SIM-ENV-005": ("A quote that is never closed", "The value starts with a quote that does not end."),
    "SIM-ENV-006": ("A comment inside a value", "From ` #` on the line is a comment. Put the value in single quotes when the # belongs to it."),
    "SIM-ENV-007": ("A variable that is not set", "A `$NAME` in a value is replaced by that variable. Write `$$` for a dollar sign, or put the value in single quotes."),
    "SIM-ENV-008": ("An expression that cannot be expanded", "Only `{{ \"text\" | base64encode }}` with one quoted text is understood in an env file."),
    "SIM-ENV-009": ("A value that was wrapped", "GNU base64 wraps after 76 columns: the secret is cut off. Encode with `simulate secrets encode`, or `base64 -w0`."),
    "SIM-ENV-010": ("A variable given twice", "The last one counts."),
    "SIM-SECRET-010": ("A secret that cannot be decoded", "Values of `SECRET_*` are base64. `simulate secrets encode` writes them."),
    "SIM-SECRET-011": ("A secret that a server would not expand", "Kestra takes the value of an env file as it is."),
    "SIM-SECRET-012": ("Two secrets that differ in case only", "Names are compared in upper case: a Kestra server does not start with both."),
    "SIM-SECRET-013": ("A secret that looks odd", "The decoded value is not what one would expect (no text, a line break at its end, encoded twice)."),
    "SIM-SECRET-014": ("Encoded once more", "The value in the clear file already looks encoded. Put clear values into it, without the prefix."),
    "SIM-SECRET-015": ("The encoded file cannot be written", "The target exists (`--force` overwrites it) or is not writable."),
    "SIM-SECRET-016": ("A secret to look at", "`simulate secrets check` found something about a secret that often points to a mistake."),
    "SIM-DOUBLE-002": ("A seed that fails", "A seed file of a double cannot be read or run. It runs as the owner of the database, before the flow starts."),
    "SIM-MOCK-001": ("A mock for no task", "The flow has no task of that name."),
    "SIM-MOCK-002": ("A mock with an output that the type does not have", "Mocks are checked against the outputs of the task's type, so that a test cannot prove what Kestra never gives."),
    "SIM-ENGINE-001": ("An execution that never ends", "A flowable without enabled children stays RUNNING in Kestra 1.x."),
    "SIM-RUN-001": ("The execution is not kept", "The state directory cannot be written; `--state-dir` names another one."),
    "SIM-RUN-005": (
        "Secrets were masked when the execution was kept",
        "Outputs of a kept execution that held a secret are stored as ******; run the flow from the start to have them again.",
    ),
    "SIM-REMOTE-001": ("The Kestra server refuses", "The server answered with an error, or not at all."),
    "SIM-STORAGE-404": ("No such file", "The internal storage has no file of that name."),
    "SIM-STORAGE-410": ("An expired value", "The key of the KV store is past its time to live."),
    "SIM-JDBC-001": ("The database refuses a statement", "The message is the database's own."),
    "SIM-JDBC-002": ("The database cannot be reached", "Wrong address, user or password. Against a double the side file declares users and databases."),
    "SIM-AWS-001": ("S3 refuses", "The message is the service's own. Against a double the side file declares credentials and buckets."),
    "SIM-AWS-002": ("S3 cannot be called", "The call failed before the service answered."),
}  # fmt: skip
