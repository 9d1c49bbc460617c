"""What can go wrong with the telemetry store.

StoreError
├── StoreLockedError       another process holds the folder
├── StoreUnavailableError  the engine can't take or answer right now; the same call may succeed later
├── BatchRefusedError      the engine answers, and refuses this batch; the same call will fail again
└── SchemaError            the folder was written by a version that this one can't continue
"""


class StoreError(Exception):
    """Base of the store's errors."""


class StoreLockedError(StoreError):
    """Another process holds the folder: the embedded engine allows one."""


class StoreUnavailableError(StoreError):
    """The engine refused; the same call may succeed later."""


class BatchRefusedError(StoreError):
    """The engine can't read this batch, or only with more memory than one may take."""


class SchemaError(StoreError):
    """The stored schema and this version's migrations disagree."""
