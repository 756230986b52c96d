"""What the endpoints need, put together once by the app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from service.api.keys import KeyRing
from service.core.access import Principal, Role
from service.deliveries import Deliveries
from service.settings import Settings
from service.store.access import Access
from service.store.changes import ChangeLog
from service.store.database import Database
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from service.store.unread import UnreadParts
from service.store.webhooks import Webhooks
from service.telemetry import Telemetry
from service.writer import Writer


@dataclass(slots=True)
class Services:
    """The parts of a running process. `ready` turns false first at shutdown."""

    settings: Settings
    database: Database
    registry: Registry
    access: Access
    rollups: Rollups
    changes: ChangeLog
    policies: Policies
    writer: Writer
    webhooks: Webhooks
    unread: UnreadParts
    deliveries: Deliveries
    telemetry: Telemetry
    key_ring: KeyRing
    pseudonym_key: bytes
    ready: bool = True


async def services(request: Request) -> Services:
    """The parts of the process that serves a request."""
    found: Services = request.app.state.services
    return found


Here = Annotated[Services, Depends(services)]
_bearer = Security(HTTPBearer(scheme_name="key", description="a key of Frontline", auto_error=False))


async def _reader(request: Request, here: Here, _: Annotated[object, _bearer]) -> None:
    here.key_ring.spend(await here.key_ring.reader(request), 1)


async def _administrator(request: Request, here: Here, _: Annotated[object, _bearer]) -> Principal:
    return await here.key_ring.checked(request, Role.ADMIN)


READING = Depends(_reader)
"""Of a route that takes a read key or an admin key."""
ADMINISTRATION = Depends(_administrator)
"""Of a route that takes an admin key."""
Administrator = Annotated[Principal, ADMINISTRATION]
"""Who administrates."""
