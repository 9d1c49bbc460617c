"""Why a backup can't be taken or given back."""


class ArchiveError(Exception):
    """The file is no whole backup of ours; the message is a sentence about it, which begins with a verb."""


class RestoreError(Exception):
    """The backup can't be given back here; the message is a sentence that says what to do."""
