"""What is found missing during a test."""

import logging

import pytest

from mcp_obs._adapters import findings


class Findings:
    """Findings from an empty start, and what was said of them."""

    def __init__(self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(findings, "_found", {})
        caplog.set_level(logging.WARNING, "mcp_obs")
        self._caplog = caplog

    @property
    def warnings(self) -> list[str]:
        """What the log of mcp_obs has."""
        return [record.getMessage() for record in self._caplog.records if record.name == "mcp_obs"]
