"""Lets these tests share their charge point, which nobody else may import."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
