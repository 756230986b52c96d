"""What commands share that work on the database: which one it is, and that it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.settings import Settings
from service.store.embedded import EmbeddedPostgres


@contextmanager
def database_url(settings: Settings, *, keep_running: bool = False) -> Iterator[str]:
    """The URL of the database that the settings name; the embedded one runs as long as the context is open.

    `keep_running` starts an embedded one again where it ends before.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.data_dir) as embedded:
        if keep_running:
            embedded.keep_running()
        yield embedded.url
