"""What is stored held against the log as of a moment, and made again from it; nobody is told how far it is."""

from service.store.audit import auditing
from service.store.database import Database
from service.store.findings import Finding, Report
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.rebuild import Rebuild
from service.store.registry import Registry


async def audit(database: Database, registry: Registry, now_us: int) -> Report:
    """What an audit sees."""
    async with auditing(database, registry, Policies(database), lambda: now_us, _quiet) as running:
        await running.run()
    return running.report


async def findings(database: Database, registry: Registry, now_us: int) -> list[Finding]:
    """What an audit finds."""
    return (await audit(database, registry, now_us)).findings


def rebuild_by(ledger: Ledger, database: Database, registry: Registry, now_us: int) -> Rebuild:
    """A rebuild that is carried out by one writer."""
    return Rebuild(database, registry, Policies(database), ledger, lambda: now_us, _quiet)


def _quiet(_stage: str, _report: Report) -> None:
    """Nobody is told."""
