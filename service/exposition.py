"""Prometheus' text format 0.0.4, as prometheus_client writes it.

Written here because the library makes an object and a dictionary of every sample, which at thousands of series takes
most of a scrape. The text of a set of labels is made once, and stands in all families that have these labels.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.core.catalogue.metrics import MetricKind

Labels = tuple[str, ...]
"""The values of labels, in the order of a family's names; the last names may have none."""
Sample = tuple[Labels, float]
Distribution = tuple[Labels, Sequence[int], float]
"""How many durations are at most as long as each bound, the last for all of them, and the sum."""

_BUCKET = "le"
_PLAIN_BELOW = 1e6
_NAMED: Mapping[str, str] = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


@dataclass(frozen=True, slots=True)
class Family:
    """A counter with its `_total`, or a gauge. The samples may be made while they are written."""

    name: str
    kind: MetricKind
    documentation: str
    labels: tuple[str, ...]
    samples: Iterable[Sample]


@dataclass(frozen=True, slots=True)
class HistogramFamily:
    """A histogram; `bounds` as text, positive and sorted, the last being +Inf."""

    name: str
    documentation: str
    labels: tuple[str, ...]
    bounds: Sequence[str]
    samples: Iterable[Distribution]


def write(families: Sequence[Family | HistogramFamily]) -> bytes:
    """The page of some families, in their order."""
    uses = Counter(family.labels for family in families)
    texts = {names: _Texts(names, is_shared=many > 1) for names, many in uses.items()}
    # A family at a time, so that lines of one only are there twice, as text and as bytes.
    return b"".join(_text(family, texts[family.labels]).encode() for family in families)


class _Texts(dict[Labels, str]):
    """The text of a set of labels by their values, kept if several families have these names."""

    def __init__(self, names: tuple[str, ...], *, is_shared: bool) -> None:
        super().__init__()
        self._is_shared = is_shared
        # The same few names stand in thousands of lines: each pair is written once.
        self._pairs = sorted((name, place, dict[str, str]()) for place, name in enumerate(names))

    def __missing__(self, values: Labels) -> str:
        pairs = self.pairs(values)
        text = f"{{{','.join(pairs)}}} " if pairs else " "
        if self._is_shared:
            self[values] = text
        return text

    def pairs(self, values: Labels) -> list[str]:
        """Each name with its value, by name; of the values the last may be missing."""
        found = []
        for name, place, written in self._pairs:
            if place < len(values):
                value = values[place]
                pair = written.get(value)
                if pair is None:
                    pair = written[value] = f'{name}="{_escaped(value)}"'
                found.append(pair)
        return found


def _text(family: Family | HistogramFamily, texts: _Texts) -> str:
    if isinstance(family, Family):
        kind, name = family.kind, family.name
        lines: Iterable[str] = [f"{name}{texts[values]}{_number(value)}\n" for values, value in family.samples]
    else:
        kind, lines = MetricKind.HISTOGRAM, _lines(family, texts)
    documentation = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.name} {documentation}\n# TYPE {family.name} {kind}\n{''.join(lines)}"


def _lines(family: HistogramFamily, texts: _Texts) -> Iterator[str]:
    bucket, name = f"{family.name}_bucket", family.name
    # Labels are sorted by their names, and the bucket's is one of them.
    place = bisect(sorted(family.labels), _BUCKET)
    for values, counts, total in family.samples:
        pairs = texts.pairs(values)
        before = "".join(f"{pair}," for pair in pairs[:place])
        after = "".join(f",{pair}" for pair in pairs[place:])
        head, tail = f'{bucket}{{{before}{_BUCKET}="', f'"{after}}} '
        for bound, count in zip(family.bounds, counts, strict=True):
            yield f"{head}{bound}{tail}{_number(count)}\n"
        labels = texts[values]
        yield f"{name}_count{labels}{_number(counts[-1])}\n{name}_sum{labels}{_number(total)}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    """A number as Go writes it, with exponents sooner than Python; the library does so for positive numbers only."""
    if type(value) is int and -_PLAIN_BELOW < value < _PLAIN_BELOW:
        return f"{value}.0"
    text = repr(float(value))
    if -_PLAIN_BELOW < value < _PLAIN_BELOW:
        return text
    whole, dot, fraction = text.partition(".")
    if dot and value > 0 and "e" not in fraction:
        digits = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.")
        return f"{digits}e+{len(whole) - 1:02d}"
    return _NAMED.get(text, text)
