"""The errors that Frontline raises on purpose: one small tree, free of HTTP and of any database driver."""


class FrontlineError(Exception):
    """Anything that Frontline refuses or cannot do; `str(error)` is meant for the person who caused it."""


class InvalidInput(FrontlineError):
    """What was sent breaks the contract; `field` names the place, `code` is stable for programs."""

    def __init__(self, detail: str, *, field: str = "", code: str = "invalid_field") -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field = field
        self.code = code


class NotFound(FrontlineError):
    """The thing named does not exist."""


class Conflict(FrontlineError):
    """The thing named exists already, or is in a state that forbids the action."""


class NotPermitted(FrontlineError):
    """The key is valid, but not for this."""


class NotAuthenticated(FrontlineError):
    """No key was sent, or one that is not known or not valid any more."""


class ReaderUnknown(NotAuthenticated):
    """The same of somebody who reads, perhaps with a browser, which has to be told how it can ask for the key."""


class TooMany(FrontlineError):
    """A key brings more than it may in a second; nothing was done, and `retry_after` says in how many it may again."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooLarge(FrontlineError):
    """The body, or the number of events in it, is over the limit."""


class UnsupportedMedia(FrontlineError):
    """The content type or the content encoding is not one that is read here."""


class Unavailable(FrontlineError):
    """Nothing was done; the same request can be sent again after `retry_after` seconds."""

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ConfigurationError(FrontlineError):
    """The settings or the database schema do not allow the command to run."""
