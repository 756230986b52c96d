"""What the rollups must hold, added up from the reference's rows: by (site, queue, channel, minute) and measure."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.reference.kpis import InteractionRow, Row, VisitRow

Place = tuple[str, str, str, int]
OUTCOMES = {"A": "answered", "B": "abandoned", "F": "diverted", "X": "expired", "W": "waiting"}
SHORT_US = 5_000_000


UNPUNCTUAL = ("late_events", "skewed_events", "skew_us")
"""Measures of when events arrived, of which the reference knows nothing."""


def punctual(rollups: dict[Place, dict[str, int]]) -> dict[Place, dict[str, int]]:
    """Rollups without those measures."""
    return {
        place: {name: amount for name, amount in amounts.items() if name not in UNPUNCTUAL}
        for place, amounts in rollups.items()
    }


def expected_rollups(rows: Iterable[Row]) -> dict[Place, dict[str, int]]:
    """Every measure that is not 0, by place."""
    sums: defaultdict[Place, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.site is None:
            continue
        amounts = sums[row.site, row.queue, row.channel, row.minute]
        amounts.update(_visit(row) if isinstance(row, VisitRow) else _interaction(row))
    return {place: {name: amount for name, amount in amounts.items() if amount} for place, amounts in sums.items()}


def expected_cells(rows: Iterable[Row]) -> dict[tuple[Place, str, int], int]:
    """How often each exact duration occurs, by place and histogram, where durations are kept."""
    cells: Counter[tuple[Place, str, int]] = Counter()
    for row in rows:
        if row.site is None:
            continue
        place = (row.site, row.queue, row.channel, row.minute)
        if isinstance(row, VisitRow):
            if row.wait is not None and row.outcome in "AB":
                cells[place, "wait" if row.outcome == "A" else "abandoned_wait", row.wait] += 1
            continue
        if row.resolution is not None:
            cells[place, "resolution", row.resolution] += 1
        for took in row.recoveries:
            cells[place, "recovery", took] += 1
    return dict(cells)


def _visit(row: VisitRow) -> dict[str, int]:
    amounts = {"offered": 1, OUTCOMES[row.outcome]: 1}
    if row.outcome == "A":
        if row.wait is not None:
            amounts |= {"answered_waits": 1, "answered_wait_us": row.wait}
        if row.handled:
            amounts |= {
                "handled": 1,
                "service_us": row.service or 0,
                "hold_us": row.hold,
                "wrap_up_us": row.wrap,
            }
    elif row.outcome == "B" and row.wait is not None:
        amounts |= {"abandoned_waits": 1, "abandoned_wait_us": row.wait}
        amounts["short_abandoned"] = int(row.wait <= SHORT_US)
    return amounts


def _interaction(row: InteractionRow) -> dict[str, int]:
    return {
        "interactions": 1,
        "interactions_answered": int(row.answered),
        "completed": int(row.completed),
        "resolved": int(row.resolved is True),
        "unresolved": int(row.resolved is False),
        "reopened": int(row.reopened),
        "transferred": int(row.transferred),
        "escalated": int(row.escalated),
        "corrected": int(row.corrected),
        "recovered": int(row.recovered),
        "conflicts": row.conflicts,
        "resolutions": int(row.resolution is not None),
        "resolution_us": row.resolution or 0,
        "recoveries": len(row.recoveries),
        "recovery_us": sum(row.recoveries),
        "unrecovered": row.unrecovered,
    }
