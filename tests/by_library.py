"""Families as prometheus_client writes them."""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.core.catalogue.metrics import MetricKind
from service.exposition import Family, HistogramFamily


def by_library(families: Sequence[Family | HistogramFamily]) -> bytes:
    """The page that the library makes of some families."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: Sequence[Family | HistogramFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return map(_metric, self._families)


def _metric(family: Family | HistogramFamily) -> Metric:
    if isinstance(family, HistogramFamily):
        histogram = HistogramMetricFamily(family.name, family.documentation, labels=family.labels)
        for values, counts, total in family.samples:
            histogram.add_metric(values, list(zip(family.bounds, counts, strict=True)), total)
        return histogram
    make = CounterMetricFamily if family.kind is MetricKind.COUNTER else GaugeMetricFamily
    metric = make(family.name, family.documentation, labels=family.labels)
    for values, value in family.samples:
        metric.add_metric(values, value)
    return metric
