"""Everything that can go wrong, as one tree.

ModelgateError
├── BundleFault        the bundle is at fault; carries the faults to tell its submitter
├── NoSuchStep         a person asked for something that the release's stage does not allow
├── NotFound           the thing is not there
├── Conflict           somebody else was first; load again
├── Temporary          try again later
└── Permanent          trying again will not help; an operator must act
"""

from __future__ import annotations

from shared.domain.faults import Fault


class ModelgateError(Exception):
    """Something went wrong in modelgate."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or "")


class BundleFault(ModelgateError):
    """The bundle cannot be used as it is."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.code}: {fault.message}" for fault in faults))
        self.faults = faults


class NoSuchStep(ModelgateError):
    """The release cannot take this step in its present stage."""


class NotFound(ModelgateError):
    """There is no such thing."""


class Conflict(ModelgateError):
    """Somebody else changed this first; load it again."""


class Temporary(ModelgateError):
    """This did not work now and may work later."""


class Permanent(ModelgateError):
    """This does not work and will not work without an operator."""
