"""Lets the tests of this folder share `battery_evening`: pytest's importlib mode adds no folder by itself."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
