"""Standards of conduct on a real PostgreSQL: a site has twenty of its own, what is over that is the other ones'."""

from service.store.database import Database
from service.store.ledger import Ledger
from service.store.verdicts import Post
from tests.books import accept
from tests.reference.walk import instant
from tests.reference_cases import at, said
from tests.store.stored import stored_rollups

NAMES = [f"own-{number}" for number in range(22)]


async def test_a_site_has_twenty_standards_of_its_own(ledger: Ledger, database: Database) -> None:
    events = [
        said(second, "assessment.recorded", site=site, standard=standard, passed=1, of=2)
        for start, site in ((0, "shop"), (60, "bank"))
        for second, standard in enumerate((*NAMES, "safety", "own-3", "own-21"), start)
    ]
    now = instant(at(200))
    for event in events:
        await ledger.commit([Post(1, accept([event], now))], now)
    found = {
        (site, facet): amounts["assessments"]
        for (site, _, _, facet, _), amounts in (await stored_rollups(database)).items()
        if site == "bank"
    }
    expected = {("bank", f"standard:{name}"): 1 for name in (*NAMES[:20], "safety")}
    assert found == expected | {("bank", "standard:own-3"): 2, ("bank", "standard:other"): 3}
