"""The vocabulary of failure.

    Error                code            the caller can
    ├── Unauthorized     unauthorized    send a credential that holds
    ├── Forbidden        forbidden       ask for the right that is named, or do without it
    ├── Limited          limited         call again after the seconds that are named
    ├── Invalid          invalid         correct the named field and call again
    ├── NotFound         not_found       look for something else; also said of what is not theirs
    │   └── NoStore                      ask for a store of theirs
    ├── Conflict         conflict        resolve what contradicts, then call again
    │   ├── Stale                        read it again: it was changed meanwhile
    │   ├── Taken                        choose another name
    │   ├── Conflicting                  use the one that is named, or end it first
    │   └── Full                         remove something first: there are as many as there may be
    ├── Unsupported      unsupported     do without it: it is published, and not offered here
    └── Unavailable      unavailable     try again later, or mend the machine

Messages are for the person or model who can act. They name fields and limits and never hold stored content,
SQL, hosts or secrets. Whatever is not an `Error` is a bug: logged at the door and shown as internal.
"""

from typing import ClassVar


class Error(Exception):
    """Something the caller can act on."""

    code: ClassVar[str] = "error"


class Unauthorized(Error):
    """Nobody we know: alike for what is malformed, expired, revoked or wrong. `sent`: there was something."""

    code = "unauthorized"

    def __init__(self, message: str, sent: bool = True) -> None:
        super().__init__(message, sent)
        self.message, self.sent = message, sent

    def __str__(self) -> str:
        return self.message


class Forbidden(Error):
    """Who asks is known, and has not the right to that; nothing was written. `right`: the one it takes."""

    code = "forbidden"

    def __init__(self, message: str, right: str = "") -> None:
        super().__init__(message, right)
        self.message, self.right = message, right

    def __str__(self) -> str:
        return self.message


class Limited(Error):
    """The tenant asks more than it may at once; nothing was done. `retry_after`: seconds, whole ones."""

    code = "limited"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message, retry_after)
        self.message, self.retry_after = message, retry_after

    def __str__(self) -> str:
        return self.message


class Invalid(Error):
    """What was given breaks a rule; nothing was written."""

    code = "invalid"


class NotFound(Error):
    """There is no such thing in this store."""

    code = "not_found"


class NoStore(NotFound):
    """There is no such store, or it is somebody else's."""


class Conflict(Error):
    """What was given contradicts what is known; nothing was written."""

    code = "conflict"


class Stale(Conflict):
    """The version that was given is not the one there is."""


class Taken(Conflict):
    """There is one of this name."""


class Conflicting(Conflict):
    """There is one already that this would be; `resource_id` is its id."""

    def __init__(self, message: str, resource_id: str) -> None:
        super().__init__(message, resource_id)
        self.message, self.resource_id = message, resource_id

    def __str__(self) -> str:
        return self.message


class Full(Conflict):
    """A published limit of how many there may be is reached."""


class Unsupported(Error):
    """It is part of the published contract, and this memory does not offer it; nothing was written."""

    code = "unsupported"


class Unavailable(Error):
    """The memory can't be reached or written now; nothing was written."""

    code = "unavailable"


class Closing(Unavailable):
    """It was asked of a memory that is closing, as it was told to: nothing to warn anybody of."""
