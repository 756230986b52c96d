"""What is promised now, place by place: the terms of an objective everywhere but at some sites, and those at these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.core.catalogue.kpi import Shape
from service.core.catalogue.measures import Scope
from service.core.objective import About, Promise, Terms
from service.core.quality import LABELS_OF_FACETS
from service.generate.rules.options import Options, duration
from service.generate.rules.promql import any_of, quoted
from service.generate.rules.tiers import Tier, tiers_of


@dataclass(frozen=True, slots=True)
class Variant:
    """An objective with the same numbers wherever it holds; `number` is 0 but for an override, counted from 1.

    It holds at `sites` only, at any where there are none, and never at those of `without`.
    """

    name: str
    about: About
    terms: Terms
    number: int = 0
    sites: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The burn rates at which it alerts."""
        return tiers_of(self.terms, self.about)

    @property
    def matchers(self) -> str:
        """What selects its series, of those that have the objective as a label."""
        return ",".join((f"objective={quoted(self.name)}", *self._of_sites()))

    @property
    def filter(self) -> str:
        """What selects the lines that it covers, of series that know no objective."""
        terms = self.terms
        lines = (("queue", terms.queues), ("channel", terms.channels))
        found = [*self._of_sites(), *(f"{label}=~{any_of(names)}" for label, names in lines if names)]
        return f"{{{','.join(found)}}}" if found else ""

    @property
    def is_of_waits(self) -> bool:
        """Whether it promises that nobody waits for long."""
        return self.terms.threshold_seconds is not None and self.terms.of_kpi.scope is Scope.VISIT

    @property
    def is_beside(self) -> bool:
        """Whether it is of what is beside interactions, which may be of a site and of no queue."""
        scope = self.terms.of_kpi.scope
        return scope is not None and scope.is_beside

    def holds_at(self, site: str, queue: str = "", channel: str = "") -> bool:
        """Whether it is what is promised on a line."""
        here = site not in self.without and (not self.sites or site in self.sites)
        return here and self.terms.reaches(site, queue, channel)

    @property
    def promised(self) -> str:
        """What is promised, in words."""
        terms, limit = self.terms, self.terms.threshold_seconds
        told = "" if limit is None else duration(limit)
        if terms.of_kpi.shape is Shape.QUANTILE:
            return f"{terms.kpi} at most {told}{self._ways()} over the {self.window}"
        bound = "at most" if terms.is_at_most else "at least"
        within = f" within {told}" if told else ""
        return f"{terms.kpi}{within} {bound} {terms.stated_target * 100:.6g}%{self._ways()} over the {self.window}"

    @property
    def window(self) -> str:
        """Its window, in words."""
        window = self.terms.window
        return f"last {window.days} days" if window.days else window.name

    def _ways(self) -> str:
        ways = [self.terms.formula] if self.terms.formula else []
        ways += [f"within {self.terms.within}"] if self.terms.within else []
        ways += [value for label in LABELS_OF_FACETS for value in self.terms.facet_values(label)]
        return f" ({', '.join(ways)})" if ways else ""

    def _of_sites(self) -> Iterator[str]:
        if self.sites:
            yield f"site=~{any_of(self.sites)}"
        if self.without:
            yield f"site!~{any_of(self.without)}"


def variants(promises: Sequence[Promise], options: Options) -> tuple[Variant, ...]:
    """What holds on the day of the options, each objective's terms for everywhere before its overrides."""
    return tuple(variant for promise in promises for variant in _of(promise, options.today))


def _of(promise: Promise, today: int | None) -> Iterator[Variant]:
    begun = [terms for terms in promise.terms if terms.start_day is None or today is None or terms.start_day <= today]
    if not begun or begun[-1].ended:
        return
    terms = begun[-1]
    apart = tuple(site for override in terms.overrides for site in override.sites)
    yield Variant(promise.name, promise.about, terms, 0, terms.sites, apart)
    for number, override in enumerate(terms.overrides, 1):
        covered = tuple(site for site in override.sites if not terms.sites or site in terms.sites)
        if covered:
            yield Variant(promise.name, promise.about, terms.of_site(covered[0]), number, covered)
