"""What the SDK's suites share: real servers, real clients, a real collector, and a recording in memory."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[4] / "contract"))
