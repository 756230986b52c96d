"""The ten dimensions of good service, and what is told apart by more than its place.

A *facet* tells series of one place apart: `dimension:courtesy` of what customers think, `standard:safety` of what was
checked. Most numbers have none. Source of the dimensions: Parasuraman, Zeithaml and Berry, "A Conceptual Model of
Service Quality", 1985.
"""

from collections.abc import Mapping
from enum import StrEnum


class Dimension(StrEnum):
    """A dimension of the quality of service."""

    RELIABILITY = "reliability"
    RESPONSIVENESS = "responsiveness"
    COMPETENCE = "competence"
    ACCESS = "access"
    COURTESY = "courtesy"
    COMMUNICATION = "communication"
    CREDIBILITY = "credibility"
    SECURITY = "security"
    UNDERSTANDING = "understanding"
    TANGIBLES = "tangibles"


DIMENSION, STANDARD, KIND = "dimension", "standard", "kind"
"""The labels beside site, queue and channel by which some KPIs are told apart."""

STANDARDS: Mapping[str, Dimension] = {
    "expression": Dimension.COURTESY,
    "phrases": Dimension.COURTESY,
    "distance": Dimension.COURTESY,
    "appearance": Dimension.TANGIBLES,
    "safety": Dimension.SECURITY,
    "speed": Dimension.RESPONSIVENESS,
}
"""The standards of conduct that any site has, and the dimension of each."""

RESOURCE_KINDS: Mapping[str, Dimension] = {
    "equipment": Dimension.TANGIBLES,
    "channel": Dimension.ACCESS,
    "site": Dimension.ACCESS,
}
"""The kinds of resource that work or don't, and the dimension of each."""

MAX_STANDARDS_PER_SITE = 20
"""How many standards of its own a site may have; what goes over it is `other`."""

LABELS_OF_FACETS = (DIMENSION, STANDARD)
"""Those by which series are told apart."""
FACETS = (*LABELS_OF_FACETS, KIND)
"""Those by which KPIs are told apart; kinds are of resources, which are counted in no series."""
NO_FACET = ""


def facet(label: str, value: str) -> str:
    """The facet of a series."""
    return f"{label}:{value}"


def label_of(facet_: str) -> str:
    """The label by which a facet tells series apart; "" of none."""
    return facet_.partition(":")[0]


def facet_value(facet_: str, label: str) -> str:
    """What a facet says of a label; "" where it is one of another label, or none."""
    name, _, value = facet_.partition(":")
    return value if name == label else ""
