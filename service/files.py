"""Files beside the code: those that come with the package, and the file of objectives."""

from collections.abc import Sequence
from pathlib import Path

from service.core.errors import ConfigurationError
from service.core.objective import Promise
from service.core.promises import read_promises

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent


def shipped(packaged: str, checked_out: str) -> Path:
    """A file or folder by its path in the package, or else by its path in the checkout."""
    path = _PACKAGE / packaged
    return path if path.exists() else _CHECKOUT / checked_out


def promises_in(path: Path) -> Sequence[Promise]:
    """What a file of objectives promises. Raises ConfigurationError, and InvalidInput naming the place in it."""
    try:
        return read_promises(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the objectives in {path} can't be read: {error}") from error


def shipped_objectives() -> Path:
    """The objectives of a first start."""
    return shipped("_data/objectives.yaml", "objectives.yaml")
