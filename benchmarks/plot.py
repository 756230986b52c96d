"""`docs/performance.svg`: how many times as fast as something else, as bars from 1 on a scale of powers of ten."""

import math
from collections.abc import Iterator
from html import escape

from benchmarks.aims import AIMS
from benchmarks.figures import Row, figure
from benchmarks.results import Results

BARS = {
    "singles-by-afternoon": "single posts, by the afternoon service",
    "batches-by-afternoon": "posts of 500, by the afternoon service",
    "singles-by-pushgateway": "single posts, by pushes to the Pushgateway",
    "singles-by-empty": "single posts, by an empty FastAPI endpoint",
    "batches-by-inserts": "posts of 500, by plain inserts",
    "text-by-library": "text of a scrape, by prometheus_client",
    "scrape-by-sql-at-100k": "scrape, by SQL over 100 thousand events",
    "scrape-by-sql-at-1M": "scrape, by SQL over 1 million events",
    "scrape-by-sql-at-10M": "scrape, by SQL over 10 million events",
    "throughput-at-10M": "posts of 500, 10 million stored by 100 thousand",
    "two-writers": "two writers, by one",
    "two-processes": "two processes, by one",
}
"""The figures that are drawn, by their keys; the longest label fits the space beside the bars."""

_LABELS, _SCALE, _ROW, _TOP = 330, 400, 26, 34
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #3d444d }
.bar { fill: #2f7dd1 } .range { stroke: #3d444d; stroke-width: 1.5 } .aim { stroke: #c4510a; stroke-width: 2 }
.grid { stroke: #8b949e; stroke-opacity: .35 } .one { stroke: #8b949e }
@media (prefers-color-scheme: dark) {
  text { fill: #c9d1d9 } .bar { fill: #58a6ff } .range { stroke: #c9d1d9 } .aim { stroke: #f0883e }
}
"""


def plot(results: Results) -> str:
    """The plot, as SVG."""
    drawn = [(label, row) for key, label in BARS.items() if (row := results.row(key)) is not None]
    ends = [end for _, row in drawn for end in (row.lowest, row.highest)]
    low = math.floor(math.log10(min([*ends, 0.1])))
    high = math.ceil(math.log10(max([*ends, 10])))
    height = _TOP + _ROW * len(drawn) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LABELS + _SCALE + 70} {height}" role="img">',
        "<title>How many times as fast as something else; the tick is the aim</title>",
        f"<style>{_STYLE}</style>",
        *_grid(low, high, height - 26),
    ]
    for number, (label, row) in enumerate(drawn):
        lines += _bar(label, row, _TOP + number * _ROW, low, high)
    lines.append(f'<text x="{_LABELS}" y="{height - 6}">times as fast; thin: range of the rounds, orange: aim</text>')
    return "\n".join([*lines, "</svg>", ""])


def _at(value: float, low: int, high: int) -> float:
    """Where a value is on the scale, in pixels."""
    return round(_LABELS + _SCALE * (math.log10(value) - low) / (high - low), 1)


def _grid(low: int, high: int, bottom: int) -> Iterator[str]:
    for power in range(low, high + 1):
        x = _at(10.0**power, low, high)
        yield f'<line class="{"one" if power == 0 else "grid"}" x1="{x}" y1="22" x2="{x}" y2="{bottom}"/>'
        yield f'<text x="{x}" y="16" text-anchor="middle">{10.0**power:g}</text>'


def _bar(label: str, row: Row, top: int, low: int, high: int) -> Iterator[str]:
    start, end = sorted((_at(1, low, high), _at(row.median, low, high)))
    middle = top + _ROW / 2
    yield f'<text x="{_LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
    yield f'<rect class="bar" x="{start}" y="{top + 6}" width="{round(max(1, end - start), 1)}" height="{_ROW - 12}"/>'
    least, most = _at(row.lowest, low, high), _at(row.highest, low, high)
    yield f'<line class="range" x1="{least}" y1="{middle}" x2="{most}" y2="{middle}"/>'
    right = max(end, most)
    aim = next((aim for aim in AIMS if aim.key == row.key), None)
    if aim is not None:
        x = _at(aim.bound, low, high)
        right = max(right, x)
        yield f'<line class="aim" x1="{x}" y1="{top + 3}" x2="{x}" y2="{top + _ROW - 3}"/>'
    yield f'<text x="{right + 6}" y="{middle + 4}">{figure(row.median)}</text>'
