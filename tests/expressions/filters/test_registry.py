"""Exactly the names that each dialect reaches (expressions.md 1)."""

from __future__ import annotations

import pytest

from simulator.dialect import DIALECTS
from simulator.expressions.filters import FILTERS
from simulator.expressions.functions import FUNCTIONS
from simulator.expressions.registry import Table

FILTERS_BOTH = """abbreviate abs base64decode base64encode capitalize chunk className date dateAdd default distinct
endsWith escapeChar first flatten indent jq join keys last length lower md5 merge nindent number numberFormat replace
reverse rsort sha1 sha256 sha512 slice slugify sort split startsWith string substringAfter substringAfterLast
substringBefore substringBeforeLast timestamp timestampMicro timestampMilli timestampNano title toIon toJson trim upper
urldecode urlencode values yaml"""
FUNCTIONS_BOTH = """decrypt encrypt errorLogs fetchContext fileExists fileSize fileURI fromIon fromJson http i18n id
isFileEmpty ksuid kv max min nanoId now printContext randomInt randomPort range read render renderOnce secret
tasksWithState uuid yaml"""
"""`block` and `parent` are syntax."""


def names(tables: Table, dialect: str) -> set[str]:
    return {
        name
        for name, definitions in tables.items()
        if any(definition.in_dialect(DIALECTS[dialect]) for definition in definitions)
    }


def test_filters() -> None:
    both = set(FILTERS_BOTH.split())
    assert names(FILTERS, "1") == both | {"json"}
    assert names(FILTERS, "2") == both | {"format", "nl2br", "regexExtract", "regexMatch", "regexReplace"}


def test_functions() -> None:
    both = set(FUNCTIONS_BOTH.split())
    new = "dayOfMonth dayOfWeek env hourOfDay isDayWeekInMonth isLastWorkingDay isPublicHoliday isWeekend loopOutputs monthOfYear subflow"
    assert names(FUNCTIONS, "1") == both | {"currentEachOutput", "json"}
    assert names(FUNCTIONS, "2") == both | set(new.split())


@pytest.mark.parametrize("tables", [FILTERS, FUNCTIONS])
@pytest.mark.parametrize("dialect", ["1", "2"])
def test_a_dialect_has_one_definition_of_a_name(tables: Table, dialect: str) -> None:
    for definitions in tables.values():
        assert sum(definition.in_dialect(DIALECTS[dialect]) for definition in definitions) <= 1
