"""What every suite shares."""

import pytest
from hypothesis import settings

# The same examples in every run, and as much time as a busy machine needs for each.
settings.load_profile("ci")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Everything here runs on asyncio."""
    return "asyncio"
