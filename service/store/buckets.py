"""In which bucket of its histogram a duration lies, as SQL."""

from service.core.catalogue.measures import HISTOGRAMS


def bucket_sql(histogram: str, duration_us: str) -> str:
    """The number of the bucket, from 0, of an expression for a duration of the histogram that another one tells."""
    cases = (
        f"WHEN {one.code} THEN width_bucket({duration_us} - 1, ARRAY{list(one.bounds_us)}::bigint[])"
        for one in HISTOGRAMS
    )
    return f"CASE {histogram} {' '.join(cases)} END"
