"""`/v1/admin/keys`: keys, and `/v1/admin/actions`: who changed what, with an admin key."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from service.api.deps import ADMINISTRATION, Administrator, Here
from service.api.errors import described
from service.api.parameters import checked_label
from service.core.access import Role
from service.core.errors import InvalidInput
from service.core.event import LABEL
from service.store.access import KeyEntry, KeyTerms, NewKey
from service.store.trail import actions

_MOST_PER_SECOND = 1_000_000
_LONGEST_OVERLAP_SECONDS = 30 * 86_400

KeyId = Annotated[int, Path(ge=1, le=2_147_483_647)]
SourceName = Annotated[str, AfterValidator(checked_label), Path(json_schema_extra={"pattern": f"^{LABEL}$"})]
PerSecond = Annotated[int, Field(ge=1, le=_MOST_PER_SECOND)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WantedKey(_Model):
    """What a key is to be; unless told it never ends, and its limit is that of the settings."""

    expires_at: AwareDatetime | None = Field(None, description="when it ends; never, unless told")
    per_second: PerSecond | None = Field(
        None, description="events (of a source) or requests (of a reader) that it may bring in a second, in one process"
    )


class WantedRoleKey(WantedKey):
    """A key that reads, or that administrates and reads."""

    role: Literal["read", "admin"]


class Rotation(_Model):
    """How long the key that is replaced stays valid, and when the new one ends."""

    overlap_seconds: int = Field(86_400, ge=0, le=_LONGEST_OVERLAP_SECONDS)
    expires_at: AwareDatetime | None = Field(None, description="when the new key ends; never, unless told")


class KeyListed(BaseModel):
    """A key without its secret. `source` is null but for ingest; `replaces` is the key in whose place it is."""

    id: int
    role: Role
    source: str | None
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    per_second: int | None
    replaces: int | None


class KeyShown(KeyListed):
    """A new key; `key` is its secret, shown this once: what is stored is its hash."""

    key: str


class ActionListed(BaseModel):
    """Something that was changed: when, by whom, what, and the particulars."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


router = APIRouter(
    prefix="/v1/admin",
    tags=["administration"],
    dependencies=[ADMINISTRATION],
    responses=described(400, 401, 403, 404, 422, 503),
)


@router.post("/sources/{name}/keys", status_code=201, summary="A further key of a source")
async def post_source_key(
    name: SourceName, here: Here, administrator: Administrator, wanted: WantedKey | None = None
) -> KeyShown:
    """Make a further key for a source; those that it has stay valid."""
    terms = _terms(Role.INGEST, wanted or WantedKey.model_validate({}), name)
    return _shown(await here.access.create_key(terms, actor=administrator.actor))


@router.post("/keys", status_code=201, summary="A read key or an admin key")
async def post_key(wanted: WantedRoleKey, here: Here, administrator: Administrator) -> KeyShown:
    """Make a key that reads, or that administrates. Its secret is shown in this answer and never again."""
    return _shown(await here.access.create_key(_terms(Role(wanted.role), wanted), actor=administrator.actor))


@router.get("/keys", summary="All keys, without their secrets")
async def get_keys(here: Here) -> list[KeyListed]:
    """All keys, the oldest first."""
    return [KeyListed.model_validate(entry, from_attributes=True) for entry in await here.access.list_keys()]


@router.post("/keys/{key_id}/rotation", status_code=201, summary="A key in the place of another")
async def rotate_key(
    key_id: KeyId, here: Here, administrator: Administrator, wanted: Rotation | None = None
) -> KeyShown:
    """Make a key for the same as another one, which ends after an overlap; a day, unless told."""
    rotation = wanted or Rotation.model_validate({})
    overlap, ends = timedelta(seconds=rotation.overlap_seconds), _end(rotation.expires_at)
    return _shown(await here.access.rotate_key(key_id, overlap, expires_at=ends, actor=administrator.actor))


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke a key")
async def delete_key(key_id: KeyId, here: Here, administrator: Administrator) -> Response:
    """Take a key out of use: when this is answered, it opens nothing any more, in no process."""
    await here.access.revoke_key(key_id, actor=administrator.actor)
    return Response(status_code=204)


@router.get("/actions", summary="Who changed what")
async def get_actions(
    here: Here,
    before: Annotated[
        int | None, Query(ge=1, le=1 << 62, description="only actions before this one, by its id")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[ActionListed]:
    """What was administrated, the latest first, by the API, by commands and by the environment."""
    found = await actions(here.database, before=before, limit=limit)
    return [ActionListed.model_validate(action, from_attributes=True) for action in found]


def _terms(role: Role, wanted: WantedKey, source: str | None = None) -> KeyTerms:
    return KeyTerms(role, source, _end(wanted.expires_at), wanted.per_second)


def _end(expires_at: datetime | None) -> datetime | None:
    try:
        ends = None if expires_at is None else expires_at.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("lies after the year 9999; a key may end never (null)", field="expires_at") from None
    if ends is not None and ends <= datetime.now(UTC):
        raise InvalidInput("is past; a key must end in the future, or never (null)", field="expires_at")
    return ends


def _shown(made: NewKey) -> KeyShown:
    entry: KeyEntry = made.entry
    listed = KeyListed.model_validate(entry, from_attributes=True)
    return KeyShown(**listed.model_dump(), key=made.secret)
