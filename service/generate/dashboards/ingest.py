"""The panels on posts and commits, of the pipeline's dashboard."""

from grafana_foundation_sdk.models.dashboard import Panel

from service.generate.dashboards.expressions import share
from service.generate.dashboards.panels import About, Query, timeseries

ALL_REPLICAS = "Added up over replicas."
_RATE = "$__rate_interval"


def posts() -> list[Panel]:
    """What comes in, and how soon it is answered."""
    received = f"frontline_ingest_posts_total[{_RATE}]"
    return [
        timeseries(
            About(
                "Events a second",
                f"Events of posts, by what became of them: rate(frontline_ingest_events_total). {ALL_REPLICAS}",
                (0, 4, 8, 8),
                "eps",
            ),
            [Query(f"sum by (result) (rate(frontline_ingest_events_total[{_RATE}]))", "{{result}}")],
        ),
        timeseries(
            About(
                "Posts a second",
                f"Posts of events, by HTTP status: rate(frontline_ingest_posts_total). {ALL_REPLICAS}",
                (8, 4, 8, 8),
                "reqps",
            ),
            [Query(f"sum by (status) (rate({received}))", "{{status}}")],
        ),
        timeseries(
            About(
                "Time of a post",
                "From a post's receipt to its answer: quantiles interpolated in the buckets of "
                "frontline_ingest_post_seconds.",
                (16, 4, 8, 8),
                "s",
            ),
            _quantiles("frontline_ingest_post_seconds"),
            fill=0,
        ),
    ]


def _quantiles(histogram: str) -> list[Query]:
    buckets = f"sum by (le) (rate({histogram}_bucket[{_RATE}]))"
    return [Query(f"histogram_quantile({ratio:g}, {buckets})", f"p{ratio * 100:g}") for ratio in (0.5, 0.9, 0.99)]


def commits() -> list[Panel]:
    """What is written, and what waits for it."""
    size = share(
        f"sum (rate(frontline_commit_events_sum[{_RATE}]))", f"sum (rate(frontline_commit_events_count[{_RATE}]))"
    )
    return [
        timeseries(
            About(
                "Commit latency",
                "One transaction of the writer: quantiles interpolated in the buckets of frontline_commit_seconds.",
                (0, 12, 8, 8),
                "s",
            ),
            _quantiles("frontline_commit_seconds"),
            fill=0,
        ),
        timeseries(
            About(
                "Events in one commit",
                "Mean: events committed / transactions of the writer.",
                (8, 12, 8, 8),
                "short",
            ),
            [Query(size, "events")],
        ),
        timeseries(
            About(
                "Queue",
                "Events that wait for their commit, of each process: frontline_queue_events.",
                (16, 12, 8, 8),
                "short",
            ),
            [Query("frontline_queue_events", "{{instance}}")],
        ),
    ]
