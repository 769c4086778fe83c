"""The estimate of Java's backtracking against a search that really backtracks."""

from __future__ import annotations

import pytest

from simulator.expressions.java.backtracking import estimated_steps
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.regexes import extract, find, replace_all


def test_counted_groups_with_a_choice_explode() -> None:
    small, large = (estimated_steps(f"(.*a){{{count}}}", "a" * count + "b") for count in (10, 25))
    assert small is not None and large is not None
    assert small < 100_000 < 100_000_000 < large


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        # Java remembers the places where a free group loop has failed.
        ("(a+)+$", "a" * 30 + "b"),
        ("(a|aa)+$", "a" * 40 + "b"),
        (r"(\w+\s){3}", "the quick brown fox " * 8),
        (r"^(\d+,){5}x", "1,2,3,4,5,6"),
        (r"([a-z]+)*\d", "abcdef" * 10),
        ("(a*)*b", "aaaa"),
        ("(a??b?)*?c", "abab"),
    ],
)
def test_what_java_finishes_at_once(pattern: str, text: str) -> None:
    steps = estimated_steps(pattern, text)
    assert steps is not None and steps < 100_000


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("abc", "abc"),
        ("(?=a)(a+)+", "a"),
        (r"(a+)+\1", "aa"),
        ("(a+)+", "a" * 1000),
        ("(", "a"),
        (r"(\p{L}+)+", "a"),
    ],
)
def test_no_estimate(pattern: str, text: str) -> None:
    assert estimated_steps(pattern, text) is None


def test_the_estimate_is_what_a_naive_search_takes() -> None:
    def naive(text: str, count: int) -> int:
        """Steps of `(.*a){count}` counted by doing them."""
        steps = 0

        def group(position: int, left: int) -> bool:
            nonlocal steps
            if left == 0:
                steps += 1
                return True
            end = len(text)
            steps += end - position + 1
            for stop in range(end, position - 1, -1):
                steps += 1
                if stop < end and text[stop] == "a" and group(stop + 1, left - 1):
                    return True
            return False

        for start in range(len(text) + 1):
            if group(start, count):
                break
        return steps

    for text, count in (("aaab", 3), ("aaaaaaab", 7), ("abab", 3), ("b", 2)):
        estimate = estimated_steps(f"(.*a){{{count}}}", text)
        assert estimate is not None
        assert naive(text, count) / 2 <= estimate <= naive(text, count) * 2


def test_such_a_pattern_times_out_though_it_would_match() -> None:
    text = "a" * 25 + "b"
    calls = (
        lambda: find("(.*a){25}", text, 0.2),
        lambda: extract("(.*a){25}", text, 0, 0.2),
        lambda: replace_all("(.*a){25}", text, "", 0.2),
    )
    for call in calls:
        with pytest.raises(JavaError, match="timed out after 200ms"):
            call()
    assert find("(.*a){25}", text, 10.0) is not None
