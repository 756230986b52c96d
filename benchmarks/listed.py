"""Which benchmarks there are: modules whose docstring says what they measure, and whose `run` gives the rows."""

from types import ModuleType

from benchmarks import (
    afternoon,
    batches,
    endurance,
    freshness,
    growth,
    overload,
    pushgateway,
    scrape,
    servers,
    singles,
    webhooks,
    writers,
    year,
)

MODULES = (
    batches,
    singles,
    webhooks,
    afternoon,
    pushgateway,
    writers,
    freshness,
    servers,
    scrape,
    overload,
    year,
    growth,
)
"""What a run without names runs, in this order."""
NAMED = (endurance,)
"""What is run only where it is named, because it takes an hour."""


def named(module: ModuleType) -> str:
    """The name by which a benchmark is run and known in the results."""
    return module.__name__.rpartition(".")[2]
