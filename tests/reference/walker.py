"""The walk itself, by brute force: one event of an interaction after the other. The readings stand in `walk`."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any

from tests.reference.walk import (
    EXPIRY,
    EXPIRY_ELSE,
    SECOND,
    Event,
    Interaction,
    Step,
    Visit,
    current,
    micros,
    span,
    steps,
)

MISROUTED = 30 * SECOND
"""How much service a visit has had at most that ended up with someone else because it was in the wrong line."""


def walk(events: list[Event], now: datetime) -> Interaction:
    """Walk the events of one interaction, already without duplicates, as things stand at `now`."""
    line = sorted((step for event in current(events) for step in steps(event)), key=lambda step: step.order)
    interaction = Interaction(
        arrival=line[0].time,
        last=line[-1].time,
        site=_first(line, "site"),
        queue=_first(line, "queue") or "",
        channel=_first(line, "channel") or "",
        customer=_first(line, "customer"),
        topic=_first(line, "topic"),
        initiated_by=_first(line, "initiated_by"),
        known_customer=_first(line, "known_customer"),
        agents={step.data["agent"] for step in line if step.data.get("agent") is not None},
        agent=_first([step for step in line if step.kind == "answered"], "agent") or _first(line, "agent"),
    )
    walker = _Walker(interaction)
    for step in line:
        getattr(walker, step.kind)(step)
    walker.close(micros(now))
    return interaction


def _first(line: list[Step], name: str) -> Any:
    return next((step.data[name] for step in line if step.data.get(name) is not None), None)


def _told(step: Step, name: str) -> int | None:
    value = step.data.get(name)
    return None if value is None else span(value)


class _Walker:
    """Who waits and who is in service, at most one of each, and a method for each kind of event."""

    def __init__(self, interaction: Interaction) -> None:
        self.interaction = interaction
        self.waiting: Visit | None = None
        self.serving: Visit | None = None
        self.uncorrected: deque[int] = deque()

    def close(self, now: int) -> None:
        """What is true once all events are walked."""
        self.interaction.unrecovered = len(self.uncorrected)
        fresh = now - self.interaction.last < EXPIRY.get(self.interaction.channel, EXPIRY_ELSE)
        if self.waiting is not None:
            self.waiting.outcome = "W" if fresh else "X"
        if self.serving is not None:
            self.serving.in_service_now = fresh

    def queued(self, step: Step) -> None:
        queue = step.data.get("queue") or ""
        quote = _told(step, "quoted_wait_seconds")
        if self.waiting is not None:
            if self.waiting.queue == queue:
                if self.waiting.quote is None:
                    self.waiting.quote = quote
                return
            self._leave("F", step)
        self.waiting = Visit(queue, step.time, quote=quote)
        self.interaction.visits.append(self.waiting)

    def answered(self, step: Step) -> None:
        if self.waiting is not None:
            self.waiting.told_wait = _told(step, "wait_seconds")
            self._end_service(step)
            self._serve_waiting(step)
        elif self.serving is None:
            self._serve_unqueued(step)
        else:
            self.interaction.taken_over = True

    def abandoned(self, step: Step) -> None:
        self._give_up("B", step)

    def diverted(self, step: Step) -> None:
        self._give_up("F", step)

    def completed(self, step: Step) -> None:
        self._note_completion(step)
        if self.serving is None:
            if self.waiting is not None:
                self._serve_waiting(step)
            elif not self.interaction.visits:
                self._serve_unqueued(step)
        if self.serving is not None:
            self.serving.wrap = span(step.data.get("wrap_up_seconds", 0))
            self.serving.told_service = _told(step, "service_seconds")
            self._end_service(step)

    def held(self, step: Step) -> None:
        if self.serving is None:
            self.interaction.conflicts += 1
        elif self.serving.held_since is None:
            self.serving.held_since = step.time

    def resumed(self, step: Step) -> None:
        if self.serving is None or self.serving.held_since is None:
            self.interaction.conflicts += 1
        else:
            self._end_hold(self.serving, step)

    def transferred(self, step: Step) -> None:
        self.interaction.transferred = True
        visit = self.serving
        if visit is None or visit.answered == step.time:
            left = [one for one in self.interaction.visits if one.outcome == "A" and one.ended == step.time]
            visit = left[-1] if left else visit
        if visit is not None and visit.answered is not None:
            hold = visit.hold + (0 if visit.held_since is None else step.time - visit.held_since)
            if step.time - visit.answered - hold <= MISROUTED:
                visit.misrouted = True

    def escalated(self, _step: Step) -> None:
        self.interaction.escalated = True

    def reopened(self, _step: Step) -> None:
        self.interaction.reopened = True

    def informed(self, step: Step) -> None:
        self.interaction.informed.append(step.time)

    def verified(self, step: Step) -> None:
        self.interaction.verified.append(step.time)

    def corrected(self, step: Step) -> None:
        self.interaction.corrected = True
        self.uncorrected.append(step.time)

    def recovered(self, step: Step) -> None:
        self.interaction.recovered = True
        if self.uncorrected:
            self.interaction.recoveries.append(step.time - self.uncorrected.popleft())

    def _note_completion(self, step: Step) -> None:
        self.interaction.completed = True
        self.interaction.closed = step.time
        resolved = step.data.get("resolved")
        if resolved is not None:
            self.interaction.resolved = resolved
            if resolved and self.interaction.resolution is None:
                self.interaction.resolution = step.time - self.interaction.arrival

    def _give_up(self, outcome: str, step: Step) -> None:
        if self.waiting is not None:
            self.waiting.told_wait = _told(step, "wait_seconds")
            self._leave(outcome, step)
        elif not self.interaction.visits:
            visit = Visit(self._queue_of_unqueued(step), step.time, outcome, ended=step.time)
            self.interaction.visits.append(visit)
        else:
            self.interaction.conflicts += 1

    def _leave(self, outcome: str, step: Step) -> None:
        visit, self.waiting = self.waiting, None
        assert visit is not None
        visit.outcome = outcome
        visit.wait = step.time - visit.arrival
        visit.ended = step.time

    def _serve_waiting(self, step: Step) -> None:
        visit, self.waiting = self.waiting, None
        assert visit is not None
        visit.outcome = "A"
        visit.wait = step.time - visit.arrival
        visit.answered = step.time
        self.serving = visit

    def _serve_unqueued(self, step: Step) -> None:
        self.serving = Visit(self._queue_of_unqueued(step), step.time, "A", answered=step.time)
        self.interaction.visits.append(self.serving)

    def _queue_of_unqueued(self, step: Step) -> str:
        visits = self.interaction.visits
        return step.data.get("queue") or (visits[-1].queue if visits else "")

    def _end_service(self, step: Step) -> None:
        visit, self.serving = self.serving, None
        if visit is not None:
            if visit.held_since is not None:
                self._end_hold(visit, step)
            visit.ended = step.time

    def _end_hold(self, visit: Visit, step: Step) -> None:
        assert visit.held_since is not None
        visit.hold += step.time - visit.held_since
        visit.held_since = None
