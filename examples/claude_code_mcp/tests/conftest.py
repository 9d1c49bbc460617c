"""What the tests share."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _home_of_the_stand_in(  # pyright: ignore[reportUnusedFunction]
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    home = tmp_path_factory.mktemp("stand-in")
    monkeypatch.setenv("STAND_IN_HOME", str(home))
    return home
