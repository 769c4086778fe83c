"""Functions against the tables of expressions.md 9, 12, 14."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from tests.expressions.filters.harness import BOTH, fails, render

CLOCK = dt.datetime(2024, 5, 6, 7, 8, 9, 123456, dt.UTC)

CASES = [
    (
        "{{ max(1, 2.5, i) }} {{ min(3, 1, 2) | className }} {{ max(1, null, 3) }} {{ max() }}",
        "5 java.lang.Long 3 ",
    ),
    ("{{ max(1, 1.0) | className }}", "java.lang.Long"),
    (
        "{{ range(1, 5, 2) }} {{ range('a', 'c') }} {{ range(3, 1, -1) }} {{ range(5, 1) }}",
        '[1,3,5] ["a","b","c"] [3,2,1] []',
    ),
    ("{{ range(0, 2.9) }} {{ range(0, 1) | first | className }}", "[0,1,2] java.lang.Long"),
    ("{{ now() }}", "2024-05-06T07:08:09.123456Z"),
    ("{{ now('HH:mm', timeZone='Asia/Tokyo') }} {{ now(format='EEE', locale='es') }}", "16:08 lun"),
    ("{{ fromJson('{\"a\": [1, 2.0, null]} junk').a }}", "[1,2.0,null]"),
    (
        "{{ fromJson('1') | className }} {{ fromJson('12345678901') | className }} {{ fromJson('1.0') | className }}",
        "java.lang.Integer java.lang.Long java.lang.Double",
    ),
    ("{{ fromJson(n) }}{{ fromIon(n) }}", ""),
    (
        "{{ yaml('a: yes') }} {{ yaml('a: 017').a }} {{ yaml('a: 12:30:45').a }} {{ yaml('a: 1_000').a }}",
        '{"a":true} 15 12:30:45 1000',
    ),
    (
        "{{ yaml('[~, null, 0o17, 0x1F, 0b11, 12e3, 2024-01-01]') }}",
        '[null,null,"0o17",31,3,12000.0,"2024-01-01"]',
    ),
    ("{{ fromIon('{a:1} {a:2}') }} {{ fromIon('{a:1} {a:2}', allRows=true) }}", '{"a":1} [{"a":1},{"a":2}]'),
    (
        "{{ render('{{ i }}') }} {{ render({'a': '{{ i }}'}) }} {{ render(5) | className }}",
        '5 {"a":"5"} java.lang.Long',
    ),
    ("{{ render(later) }} {{ renderOnce(later) }} {{ render(later, false) }}", "5 {{ i }} {{ i }}"),
    (
        "{{ randomInt(7, 7) }} {{ nanoId(5) | length }} {{ nanoId(i) | length }} {{ nanoId() | length }}",
        "7 5 21 21",
    ),
    (
        "{{ uuid() | length }} {{ uuid() | slice(14, 15) }} {{ ksuid() | length }} {{ randomPort() > 1023 }}",
        "36 7 27 true",
    ),
    ("{{ decrypt(key, encrypt(key, 'toto')) }}{{ encrypt(key, '') }}{{ decrypt(key, n) }}", "toto"),
    ("{{ encrypt(key, 'a') == encrypt(key, 'a') }}", "false"),
    (
        "{{ tasksWithState('failed') }}",
        '[{"state":"FAILED","taskId":"b"},{"state":"FAILED","value":"v1","taskId":"each"}]',
    ),
    ("{{ printContext().i }} {{ fetchContext() contains 'l' }}", "5 true"),
    ("{{ block('none') }}", ""),
]

ONLY_2 = [
    (
        "{{ dayOfWeek('2025-01-06') }} {{ dayOfMonth('2025-06-20T23:00:00-11:00') }} {{ monthOfYear(day) }}",
        "MONDAY 20 2",
    ),
    ("{{ hourOfDay('2025-01-06T14:30+02:00') }} {{ isWeekend('2025-01-04') }}", "14 true"),
    (
        "{{ isDayWeekInMonth('2025-01-31', 'friday', 'last') }} {{ isDayWeekInMonth('2025-01-31', 'FRIDAY', 'FOURTH') }}",
        "true false",
    ),
    (
        "{{ isLastWorkingDay('2025-01-31') }} {{ isLastWorkingDay('2025-11-28') }} {{ isLastWorkingDay('2025-11-30', 'SUNDAY MONDAY') }}",
        "true true true",
    ),
    ("{{ loopOutputs([{'outputs': {'uri': 'a'}}, {}, 'x'], 'uri') }}", '["a",null,null]'),
    ("{{ env('X', 'd') }} {{ env('Y') }}", "d "),
]

ERRORS = [
    ("{{ max('a', 'b') }}", "RuntimeException: invalid operands for mathematical comparison [GREATER_THAN]"),
    ("{{ range(1, 3, 'x') }}", "The increment of the range function must be a number x"),
    ("{{ range(1, 3, 0) }}", "The increment of the range function must be different than 0"),
    (
        "{{ range('ab', 3) }}",
        "Arguments of range function must be of type Number or String with a length of 1",
    ),
    ("{{ range(0, 9999999999) }}", "RenderLimitExceededException"),
    ("{{ now('yyyy', timeZone='Mars') }}", "Unknown time-zone ID: Mars"),
    ("{{ fromJson() }}", "The 'fromJson' function expects an argument 'json'."),
    ("{{ fromJson(1) }}", "The 'fromJson' function expects an argument 'json' with type string."),
    ("{{ fromJson('xyz') }}", "Invalid json: Unrecognized token 'xyz'"),
    ("{{ fromJson('NaN') }}", "Invalid json: Non-standard token 'NaN'"),
    ("{{ yaml(n) }}", "The 'yaml' function expects an argument 'yaml' with type string."),
    ("{{ yaml('') }}", "Invalid yaml: No content to map due to end-of-input"),
    ("{{ yaml('a: [') }}", "Invalid yaml: "),
    ("{{ fromIon() }}", "The 'fromIon' function expects an argument 'ion'."),
    ("{{ fromIon('{not: ion') }}", "Invalid ion: "),
    ("{{ render() }}", "The 'render' function expects an argument 'toRender'."),
    (
        "{{ render('x', 1) }}",
        "The 'render' function expects an optional argument 'recursive' with type boolean.",
    ),
    ("{{ randomInt(1) }}", "The 'randomIn()' function expects an argument upper"),
    ("{{ randomInt(1, i) }}", "The 'randomIn()' function expects an argument upper of type Long."),
    ("{{ randomInt(3, 1) }}", "In 'randomIn()' upper is less than lower"),
    ("{{ nanoId(2000) }}", "The 'nanoId()' function field 'length' must be lower than: 1000"),
    ("{{ tasksWithState() }}", "The 'tasksWithState' function expects an argument 'state'."),
    ("{{ errorLogs() }}", "can only be used in the Worker as it access logs from the database."),
    ("{{ encrypt(key) }}", "The 'encrypt' function expects two arguments 'key' and 'plaintext'."),
    ("{{ decrypt(key, encrypt(key2, 'x')) }}", "Tag mismatch"),
    ("{{ isWeekend() }}", "The 'isWeekend()' function expects a 'date' argument."),
    ("{{ isWeekend('x') }}", "The 'isWeekend()' function could not parse 'date': "),
    ("{{ hourOfDay('2025-01-06') }}", "The 'hourOfDay()' function could not parse 'date': "),
    (
        "{{ isDayWeekInMonth('2025-01-06', 'FOO', 'FIRST') }}",
        "received an invalid 'dayOfWeek' value: 'FOO'. Expected one of: MONDAY, TUESDAY",
    ),
    (
        "{{ isDayWeekInMonth('2025-01-06', 'MONDAY', 'FIFTH') }}",
        "received an invalid 'position' value: 'FIFTH'",
    ),
    (
        "{{ isLastWorkingDay('2025-01-31', 'MONDAY,BLURSDAY') }}",
        "received an invalid 'workingDays' value: 'BLURSDAY'",
    ),
    ("{{ loopOutputs(n, 'x') }}", "The 'loopOutputs' function expects a non-null argument 'outputs'."),
    ("{{ loopOutputs([], 1) }}", "The 'loopOutputs' function expects 'name' to be a string."),
    ("{{ i18n('b', 'k') }}", "MissingResourceException"),
    ("{{ subflow('a', 'b') }}", "The 'subflow' function can only be used while inputs are rendered."),
]

VARIABLES: dict[str, Any] = {
    "i": 5,
    "l": [3, 1, 2],
    "n": None,
    "day": dt.date(2024, 2, 29),
    "later": "{{ later2 }}",
    "later2": "{{ i }}",
    "key": "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK",
    "key2": "AAAAAAAAAAAAAAAAAAAAAA==",
    "envs": {"Y": ""},
    "tasks": {
        "a": {"state": "SUCCESS"},
        "b": {"state": "FAILED"},
        "each": {"v1": {"state": "FAILED"}, "v2": {"state": "SUCCESS"}},
    },
}


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("template", "expected"), CASES)
def test_functions(template: str, expected: str, dialect: str) -> None:
    assert (render(template, dialect, variables=VARIABLES, now=lambda: CLOCK) or "") == expected


@pytest.mark.parametrize(("template", "expected"), ONLY_2)
def test_functions_of_2(template: str, expected: str) -> None:
    assert render(template, variables=VARIABLES) == expected


@pytest.mark.parametrize(("template", "text"), ERRORS)
def test_errors(template: str, text: str) -> None:
    assert text in fails(template, variables=VARIABLES).message


def test_names_of_one_dialect() -> None:
    assert render("{{ json('[1]') }}", "1") == "[1]"
    assert "Function or Macro [json] does not exist." in fails("{{ json('[1]') }}", "2").message
    for name in ("env", "isWeekend", "loopOutputs", "subflow", "hourOfDay"):
        assert f"Function or Macro [{name}] does not exist." in fails(f"{{{{ {name}('x') }}}}", "1").message
    assert (
        "Function or Macro [currentEachOutput] does not exist."
        in fails("{{ currentEachOutput({}) }}", "2").message
    )


def test_current_each_output_goes_down_by_the_parents_values() -> None:
    variables = {
        "outputs": {"t": {"outer": {"inner": {"mine": {"v": 1}}}}},
        "parents": [{"taskrun": {"value": "inner"}}, {"taskrun": {"value": "outer"}}],
        "taskrun": {"value": "mine"},
    }
    assert render("{{ currentEachOutput(outputs.t).v }}", "1", variables=variables) == "1"


def test_chance_follows_the_seed() -> None:
    template = "{{ uuid() }} {{ id() }} {{ ksuid() }} {{ nanoId() }} {{ randomInt(0, 1000000) }}"

    def once(seed: int) -> str | None:
        return render(template, now=lambda: CLOCK, rng=random.Random(seed))

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_render_is_absent_when_everything_is_rendered_again_anyway() -> None:
    assert "Function or Macro [render] does not exist." in fails("{{ render('x') }}", recursive=True).message


def test_a_public_holiday_by_country_and_part() -> None:
    pytest.importorskip("holidays", reason="the calendars are an optional package")
    assert (
        render("{{ isPublicHoliday('2025-07-14', 'FR') }}{{ isPublicHoliday('2025-07-15', 'fr', '') }}")
        == "truefalse"
    )
    # Corpus Christi is one in Bavaria, not in Berlin nor in all of Germany.
    assert (
        render(
            "{{ isPublicHoliday('2025-06-19', 'DE', 'BY') }}{{ isPublicHoliday('2025-06-19', 'DE', 'BE') }}"
        )
        == "truefalse"
    )
    # A part that is not known leaves the country.
    assert render("{{ isPublicHoliday('2024-11-11', 'FR', 'IDF') }}") == "true"
    assert fails("{{ isPublicHoliday('2025-07-14', 'ZZ') }}").message.startswith(
        "java.lang.IllegalStateException"
    )
