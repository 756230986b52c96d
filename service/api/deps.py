"""What the endpoints need, put together once by the app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.api.keys import KeyRing
from service.settings import Settings
from service.store.database import Database
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from service.telemetry import Telemetry
from service.writer import Writer


@dataclass(slots=True)
class Services:
    """The parts of a running process. `ready` turns false first at shutdown."""

    settings: Settings
    database: Database
    registry: Registry
    rollups: Rollups
    policies: Policies
    writer: Writer
    telemetry: Telemetry
    key_ring: KeyRing
    pseudonym_key: bytes
    ready: bool = True


async def services(request: Request) -> Services:
    """The parts of the process that serves a request."""
    found: Services = request.app.state.services
    return found


Here = Annotated[Services, Depends(services)]
