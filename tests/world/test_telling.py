"""What is kept before it is told, in which order, and what other threads announce."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from simulator.engine.events import DoubleReady, Event, TimeJumped
from simulator.world.telling import Telling

NOW = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def jump(number: int) -> TimeJumped:
    return TimeJumped(NOW, NOW + dt.timedelta(seconds=number))


class Keeper:
    def __init__(self, story: list[str]) -> None:
        self.story = story

    def on_event(self, event: Event) -> None:
        raise AssertionError("a keeper gets whole turns")

    def on_events(self, events: Sequence[Event]) -> None:
        self.story.append(f"kept {len(events)}")

    def close(self) -> None:
        self.story.append("keeper closed")


class Teller:
    def __init__(self, story: list[str], echo: Telling | None = None) -> None:
        self.story, self.echo = story, echo

    def on_event(self, event: Event) -> None:
        number = f" {(event.to - NOW).seconds}" if isinstance(event, TimeJumped) else ""
        self.story.append(f"told {type(event).__name__}{number}")
        if self.echo is not None:
            telling, self.echo = self.echo, None
            telling.take(jump(9))
            telling.hand_on()

    def close(self) -> None:
        self.story.append("teller closed")


def test_a_turn_is_kept_whole_before_anybody_hears_of_it() -> None:
    story: list[str] = []
    telling = Telling()
    telling.reporters += [Teller(story), Keeper(story)]
    telling.take(jump(1))
    telling.announce("s3", DoubleReady(NOW, "s3", "http://127.0.0.1:1", {}))
    telling.announce("s3", DoubleReady(NOW, "s3", "http://127.0.0.1:2", {}))
    assert story == []
    telling.take(jump(2))
    telling.hand_on()
    telling.hand_on()
    assert story == ["kept 3", "told TimeJumped 1", "told DoubleReady", "told TimeJumped 2"]
    telling.close()
    assert story[4:] == ["teller closed", "keeper closed"]


def test_what_a_reporter_brings_up_is_kept_and_told_after_what_it_heard() -> None:
    story: list[str] = []
    telling = Telling()
    telling.reporters += [Keeper(story), Teller(story, telling)]
    telling.take(jump(1))
    telling.hand_on()
    assert story == ["kept 1", "told TimeJumped 1", "kept 1", "told TimeJumped 9"]
