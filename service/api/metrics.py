"""`GET /metrics/kpi`: the KPIs, for Prometheus; `GET /metrics`: the process."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from service import exporter
from service.api.deps import Here
from service.api.errors import described
from service.api.parameters import Described

_SECONDS = Described({"type": "number", "exclusiveMinimum": 0, "maximum": 3600})
router = APIRouter(tags=["operation"], responses=described(422, 503))


@router.get(
    "/metrics/kpi",
    summary="The KPIs, for Prometheus",
    response_class=Response,
    responses={
        200: {"description": "text format 0.0.4", "content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
async def kpi_metrics(
    here: Here, x_prometheus_scrape_timeout_seconds: Annotated[float | None, _SECONDS, Header(gt=0, le=3600)] = None
) -> Response:
    """Live counters, histograms and gauges of every known series, the same from every replica.

    When several replicas are scraped, take `max without (instance, pod)` before adding up. A new series stands at 0 in
    the first scrape of a Prometheus, so that `increase()` misses nothing; other readers see it as it is at once.
    """
    page = await exporter.render(here.rollups, datetime.now(UTC), x_prometheus_scrape_timeout_seconds)
    return Response(page, media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/metrics", summary="This process, for Prometheus", response_class=Response)
async def metrics(here: Here) -> Response:
    """Ingest, commits, queue and runtime of this process; the KPIs are at `/metrics/kpi`."""
    return Response(here.telemetry.render(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
