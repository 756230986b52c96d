"""Objectives in few words."""

from typing import Any

from service.core.objective import About, Promise, Terms


def answered_within(
    threshold_us: int, target: float = 0.8, *, start_day: int | None = None, formula: str = "abandons_hurt", **more: Any
) -> Terms:
    """The terms of a service level."""
    return Terms(start_day, "service_level", target, threshold_us, formula, **more)


def promises(**terms: Terms | tuple[Terms, ...]) -> list[Promise]:
    """Objectives by their names, in which _ stands for -."""
    return [
        Promise(name.replace("_", "-"), About(name), one if isinstance(one, tuple) else (one,))
        for name, one in terms.items()
    ]
