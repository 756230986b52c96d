"""What customers are told and asked meanwhile: how long it will take, how things stand, who they are."""

import math
from functools import partial
from typing import Any

from service.simulator.lines import Line, Visit
from service.simulator.stage import Stage

_STEP = 30.0  # seconds to which quotes are rounded up
_LONGER = 1.8  # times the quote, once quotes are generous
_LONG = 120.0  # seconds after which a matter takes long
_UNTRAINED = 0.45  # of those who are not asked who they are, how many still aren't after a training
_METHODS = ("questions", "code", "voice")


class Attention:
    """What is said to a customer, and asked of one, from arrival to the end of service."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def greet(self, visit: Visit) -> dict[str, Any]:
        """What is known and said as a visit begins: who began it, whether the customer is recognised, the quote."""
        encounter, line = visit.encounter, visit.line
        care, beside = line.profile.care, encounter.beside
        if care is None:
            return {}
        said: dict[str, Any] = {}
        if encounter.visits == 1:
            said["initiated_by"] = "us" if encounter.ours else "customer"
            if encounter.customer is not None:
                said["known_customer"] = encounter.ours or beside.random() < care.recognised
        if (line.waiting or not line.free) and beside.random() < care.quoted:
            said["quoted_wait_seconds"] = _quote(line)
        return said

    def while_waiting(self, visit: Visit, patience: float) -> None:
        """Those who wait long are told how things stand, if somebody has the time; few have when many wait."""
        care, beside = visit.line.profile.care, visit.encounter.beside
        if care is not None and (visit.line.waiting or not visit.line.free):
            after = _LONG * beside.uniform(0.5, 1.0)
            if after < patience:
                self._stage.plan(after, partial(self._inform_waiting, visit))

    def _inform_waiting(self, visit: Visit) -> None:
        if visit.server is None:
            self._inform(visit)

    def while_served(self, visit: Visit, lasting: float) -> None:
        """Customers are asked who they are, and told how things stand where service takes long."""
        encounter, care = visit.encounter, visit.line.profile.care
        if care is None:
            return
        forgotten = (1 - care.verified) * (_UNTRAINED if visit.line.place.trained else 1.0)
        if care.verified and not encounter.verified and encounter.beside.random() >= forgotten:
            encounter.verified = True
            method = encounter.beside.choice(_METHODS)
            self._stage.plan(min(25.0, lasting * 0.3), partial(self._stage.tell, visit, "verified", method=method))
        if self._stage.now - visit.queued_at + lasting > _LONG:
            self._stage.plan(lasting * 0.4, partial(self._inform, visit))

    def _inform(self, visit: Visit) -> None:
        encounter, care = visit.encounter, visit.line.profile.care
        if care is None or encounter.informed:
            return
        if encounter.beside.random() < care.informed * (1 - 0.7 * visit.line.strain):
            encounter.informed = True
            self._stage.tell(visit, "informed")


def _quote(line: Line) -> float:
    """What one who comes now is told, as it would be if all went as planned: so a slip makes it too low."""
    queue = line.profile
    each = queue.service.mean + queue.held * queue.hold.mean + (queue.wrap_up.mean if queue.wrap_up else 0.0)
    expected = (len(line.waiting) + 1) * each / queue.servers * (_LONGER if line.place.generous else 1.0)
    return math.ceil(expected / _STEP) * _STEP
