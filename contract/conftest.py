"""Lets the tests import the generator as it imports itself when run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
