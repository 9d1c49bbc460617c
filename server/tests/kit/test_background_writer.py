import asyncio

import pytest

from mcp_obs_server.kit.background_writer import BackgroundWriter


class Writer(BackgroundWriter):
    """The first of its writes meets a defect."""

    def __init__(self) -> None:
        super().__init__("What was counted", every=0.01)
        self.flushes = 0
        self.written = asyncio.Event()

    async def flush(self) -> None:
        self.flushes += 1
        if self.flushes == 1:
            raise ValueError("a defect")
        self.written.set()


async def test_a_defect_in_one_write_is_logged_and_the_next_one_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Writer() as writer, asyncio.timeout(60):
        await writer.written.wait()
    assert "What was counted could not be written; trying again" in caplog.text
    assert "a defect" in caplog.text
