"""The way to PostgreSQL: engines, raw connections for the writer, and one translation of the driver's errors."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.core.errors import ConfigurationError, Unavailable

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A raw connection of the writer; the class takes its parameter in the type checker only."""

_POSTGRES_EPOCH_US = 946_684_800_000_000
_PLANNER = {
    # The writer looks rows up by key, thousands at a time, in tables whose statistics lag behind.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "jit": "off",
    # A holder of the timer that is cut off is noticed by the server within seconds, and gives way to another.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "application_name": "frontline-writer",
}
_SCANNER = {"jit": "off", "work_mem": "128MB", "temp_buffers": "64MB", "application_name": "frontline-audit"}
_READER = {"jit": "off", "application_name": "frontline"}
_AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says of a connection on which the server's farewell has come, but not yet its end.
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.QueryCanceledError,
    # A server that is being moved, restored or given new passwords answers so for a while.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.ReadOnlySQLTransactionError,
)
_IN_THE_WAY: tuple[type[Exception], ...] = (*_AWAY, asyncpg.TransactionRollbackError)
"""The writer tries again by itself where others are in its way; whoever uses the engine tells his caller to."""


def parse_url(url: str) -> URL:
    """The URL of a PostgreSQL server, whichever driver it names. Raises ConfigurationError where it is none."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise ConfigurationError(
            "FRONTLINE_DATABASE_URL is no URL; it must look like postgresql://user:password@host:5432/database"
        ) from error
    if not parsed.drivername.startswith("postgres"):
        raise ConfigurationError(f"FRONTLINE_DATABASE_URL names {parsed.drivername}; it must be postgresql://…")
    return parsed.set(drivername="postgresql+asyncpg")


_int64 = struct.Struct(">q")


def _encode_moment(us: int) -> bytes:
    return _int64.pack(us - _POSTGRES_EPOCH_US)


def _decode_moment(wire: bytes) -> int:
    return int(_int64.unpack(wire)[0]) + _POSTGRES_EPOCH_US


class Database:
    """One PostgreSQL database. `engine` serves readers and the registry; writers hold connections of their own."""

    def __init__(self, url: str, *, command_timeout_seconds: float = 60) -> None:
        self.url = parse_url(url)
        self._command_timeout = command_timeout_seconds
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=5,
            max_overflow=5,
            pool_pre_ping=True,
            pool_timeout=5,
            hide_parameters=True,  # in what errors say, for they may be of a client
            async_creator=lambda: self._connect(_READER, command_timeout_seconds),
        )

    async def connect_writer(self, *, for_scans: bool = False) -> Connection:
        """A connection for one writer, on which times are microseconds since 1970. Raises Unavailable.

        One `for_scans` reads whole tables instead of single rows, and may take its time.
        """
        with translated():
            connection = await self._connect(
                _SCANNER if for_scans else _PLANNER,
                None if for_scans else self._command_timeout,
                statement_cache_size=500,
            )
            await connection.set_type_codec(
                "timestamptz",
                schema="pg_catalog",
                encoder=_encode_moment,
                decoder=_decode_moment,
                format="binary",
            )
            return connection

    async def _connect(
        self, server_settings: Mapping[str, str], command_timeout: float | None, **more: Any
    ) -> Connection:
        """A connection by the URL as the driver reads it, which knows sslmode and all else that PostgreSQL's own do."""
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return await asyncpg.connect(
            plain, timeout=5, command_timeout=command_timeout, server_settings=dict(server_settings), **more
        )

    async def close(self) -> None:
        """Give all pooled connections back."""
        await self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a driver raises when the database is away into Unavailable, and what the engine raises where another
    transaction is in the way; other errors pass.
    """
    try:
        yield
    except _AWAY as error:
        if isinstance(error, ValueError):  # the driver's word for an argument that it cannot encode
            raise
        raise _unavailable(error) from error
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        if isinstance(cause, ValueError):
            raise
        if error.connection_invalidated or isinstance(error, InterfaceError) or isinstance(cause, _IN_THE_WAY):
            raise _unavailable(cause or error) from error
        raise
    except SQLAlchemyError as error:
        if "QueuePool limit" in str(error):
            raise _unavailable(error) from error
        raise


def _unavailable(error: BaseException) -> Unavailable:
    return Unavailable(f"the database does not answer ({type(error).__name__}); try again", retry_after=1)
