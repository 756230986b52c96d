"""Whether the process lives, and whether it can take posts."""

from fastapi import APIRouter, Response

from service.api.deps import Here
from service.api.errors import problem
from service.core.errors import Unavailable

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answers as long as the process serves requests, whatever the database does."""
    return {"status": "ok"}


@router.get("/readyz", summary="Can it take posts?", responses={503: {"description": "Not now"}})
async def readyz(here: Here) -> Response:
    """200 while posts can be committed; 503 before start-up, at shutdown, and while the database is away."""
    if not here.ready:
        return _not_ready("shutting down")
    if not here.writer.healthy:
        return _not_ready("the database does not answer the writer")
    try:
        await here.registry.answers()
    except Unavailable as error:
        return _not_ready(str(error))
    return Response(b'{"status":"ready"}', media_type="application/json")


def _not_ready(why: str) -> Response:
    return problem(503, "Not ready", why, headers={"Retry-After": "1"})
