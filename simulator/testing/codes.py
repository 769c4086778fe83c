"""Codes of what is said about test suites before they run: title and explanation of each."""

from __future__ import annotations

__all__ = ["CODES"]

CODES: dict[str, tuple[str, str]] = {
    "SIM-TEST-001": (
        "The test suite is not valid",
        "Kestra would refuse this suite: a key is missing, unknown, or has a value of the wrong kind.",
    ),
    "SIM-TEST-002": (
        "An assertion without operator",
        "An assertion compares `value` with something: equalTo, notEqualTo, contains, startsWith, endsWith, in, notIn, "
        "greaterThan, greaterThanOrEqualTo, lessThan, lessThanOrEqualTo, isNull or isNotNull.",
    ),
    "SIM-TEST-003": ("The same name twice", "Ids of test cases are unique in a suite."),
    "SIM-TEST-004": (
        "Not part of this version",
        "`expectedState` and `assets` of a fixture exist since Kestra 2.0 only.",
    ),
    "SIM-TEST-005": (
        "A number that cannot be read",
        "greaterThan and its kin compare numbers. The expected value is no number, so the case can only end in ERROR.",
    ),
    "SIM-TEST-006": (
        "No such task in the flow",
        "A fixture or an assertion names a task id that the flow does not have, so it has no effect.",
    ),
    "SIM-TEST-011": (
        "isNull never holds",
        "Kestra renders `value` to text first: an absent value is an error and null is the empty text. To test for "
        'nothing, write `equalTo: ""`, or use `is null` in the expression and compare with `true`.',
    ),
    "SIM-TEST-012": (
        "isNotNull always holds",
        "Kestra renders `value` to text first, and a text is never null. Compare with a value instead.",
    ),
    "SIM-TEST-013": (
        "A list item that is no text",
        "The actual value is a text, and Kestra compares list items as they are: the number 200 never equals the text "
        "`200`. Quote the items.",
    ),
    "SIM-TEST-014": ("An empty list is ignored", "With an empty list Kestra leaves the operator out."),
    "SIM-TEST-015": (
        "A value without an expression",
        "`value` holds no `{{ }}`, so the assertion compares a constant and says nothing about the flow.",
    ),
    "SIM-TEST-016": (
        "A variable that assertions do not have",
        "Assertions see the flow and its execution (inputs, outputs, execution, vars, trigger, labels), but no `task`, "
        "`taskrun`, `parent`, `parents` or `item`.",
    ),
    "SIM-TEST-017": (
        "Text is compared",
        "equalTo compares texts: `1.0` and `1` differ, and so do `True` and `true`.",
    ),
    "SIM-TEST-018": (
        "A switch that is off",
        "`isNull: false` and `isNotNull: false` do nothing. Take the operator out, or use the other one.",
    ),
}
