"""Errors that the user can put right. The text of each says what is wrong, where, what to do."""


class RoutingError(Exception):
    """Something the user can put right; its text is shown as it stands."""


class DataError(RoutingError, ValueError):
    """A file or table does not have the agreed form."""


class UnknownNameError(RoutingError, LookupError):
    """There is no router, benchmark or model of that name."""


class UnreachableError(RoutingError, ValueError):
    """No threshold meets the target, for example a quality above the whole curve.

    `best` is the nearest that can be had, in the unit of the target; None where there is none.
    """

    def __init__(self, text: str, best: float | None = None) -> None:
        super().__init__(text)
        self.best = best


class NotTrainedError(RoutingError, RuntimeError):
    """The router has no checkpoint yet."""


class MissingPackageError(RoutingError, ImportError):
    """An optional package is needed; the text names the install line."""


class StoreError(RoutingError, OSError):
    """The store cannot be opened: absent, locked, damaged, or written by a newer version."""


class TextsError(RoutingError, OSError):
    """Query texts are needed and are not on this machine; the text says how to get them."""


class DownloadError(RoutingError, OSError):
    """Something that is fetched when it is first needed cannot be had; the text says why."""
