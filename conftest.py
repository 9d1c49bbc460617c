"""What every suite shares."""

import pytest
from hypothesis import settings

# A busy machine's pause is no finding.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Everything here runs on asyncio."""
    return "asyncio"
