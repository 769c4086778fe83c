"""Ids against known vectors: FriendlyId's own example, Austin Appleby's murmur3."""

import random
import re
import uuid

import pytest

from simulator.storage import ids


def test_friendly_id_of_the_library_example() -> None:
    assert ids.friendly_id(uuid.UUID("c3587ec5-0976-497f-8374-61e0c2ea3da5")) == "5wbwf6yUxVBcr48AMbz9cb"


def test_created_ids_are_short_random_and_seeded() -> None:
    first, second = ids.create_id(random.Random(1)), ids.create_id(random.Random(1))
    assert first == second != ids.create_id(random.Random(2))
    assert re.fullmatch("[0-9A-Za-z]{20,22}", first)


def test_id_from_text_is_a_version_3_uuid_of_the_bytes_alone() -> None:
    assert ids.id_from("a") == ids.friendly_id(uuid.UUID("0cc175b9-c0f1-36a8-b1c3-99e269772661"))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("My Flow", "my-flow"),
        ("a_b__c", "a-b-c"),
        ("Héllo wörld", "hello-world"),
        ("-x-", "x"),
        ("--x--", "x"),
        ("a.b", "ab"),
        ("日本", ""),
    ],
)
def test_slugify(text: str, slug: str) -> None:
    assert ids.slugify(text) == slug


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "00000000000000000000000000000000"),
        ("hello", "029bbd41b3a7d8cb191dae486a901e5b"),
        ("The quick brown fox jumps over the lazy dog", "6c1b07bc7bbc4be347939ac4a93c437a"),
    ],
)
def test_murmur3_as_guava_prints_it(text: str, digest: str) -> None:
    assert ids.murmur3_128(text) == digest


@pytest.mark.parametrize(("extension", "end"), [(None, ".tmp"), ("ion", ".ion"), (".csv", ".csv"), ("", "")])
def test_temporary_names(extension: str | None, end: str) -> None:
    assert re.fullmatch(r"\d+" + re.escape(end), ids.random_name(random.Random(3), extension))
