"""Failures of our own never reach the host; under test they do."""

import logging
import os
from contextlib import suppress
from types import TracebackType
from typing import Any

from mcp_obs._text import in_one_line

STRICT = "MCP_OBS_STRICT"


class _HarmlessLogger(logging.LoggerAdapter[logging.Logger]):
    """Says nothing where a handler of the host's raises, as one does that writes to a full disk."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log, from where the caller's caller is."""
        with suppress(Exception):
            super().log(level, msg, *args, stacklevel=2, **kwargs)


logger = _HarmlessLogger(logging.getLogger("mcp_obs"))


class WrongSettingError(ValueError):
    """A setting can't be applied; the message is a sentence that says what to do."""


class Guard:
    """Swallows what the block raises and logs it once; with MCP_OBS_STRICT=1 it is raised.

    Of a wrong setting the message says enough: its traceback is only for who debugs. What a host's own code raises can
    be SystemExit, which would end the server, or the thread that exports: `of_host` swallows that too. One instance
    serves any number of blocks and threads.
    """

    def __init__(self, activity: str, *, of_host: bool = False) -> None:
        self._activity = activity
        self._swallowed: tuple[type[BaseException], ...] = (BaseException,) if of_host else (Exception,)
        self._reported = False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, self._swallowed) or _is_raised(error):
            return False
        self._tell(error)
        return True

    def swallow(self, error: BaseException) -> None:
        """The same for an `except` clause: on the path of every message a block costs ten times what `try` does."""
        if _is_raised(error):
            raise error
        self._tell(error)

    def _tell(self, error: BaseException) -> None:
        if self._reported:
            return
        self._reported = True
        if isinstance(error, WrongSettingError):
            # In one line, whatever a library's message has.
            reason = in_one_line(str(error)).removesuffix(".")
            logger.warning("mcp-obs failed %s: %s. The server is not affected.", self._activity, reason)
            logger.debug("mcp-obs failed %s", self._activity, exc_info=error)
        else:
            logger.warning(
                "mcp-obs failed %s; the server is not affected. Reported once.",
                self._activity,
                exc_info=error,
            )


def _is_raised(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt) or os.environ.get(STRICT) == "1"
