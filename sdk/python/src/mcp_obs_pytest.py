"""pytest's fixture `mcp_telemetry`; a module of its own, so that a run that does not use it imports nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_obs.testing import Capture


@pytest.fixture
def mcp_telemetry() -> Iterator[Capture]:
    """Everything that mcp-obs records during the test, in memory."""
    from mcp_obs.testing import capture  # noqa: PLC0415

    with capture() as captured:
        yield captured
