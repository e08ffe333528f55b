"""A child in place of find_key_points.py that gets ready and then fails in the way that its name says."""

import sys
import time
from pathlib import Path

fault = Path(sys.argv[0]).stem
if fault == "never_ready":
    time.sleep(60)
sys.stdout.buffer.write(b"K")
sys.stdout.buffer.flush()
sys.stdin.buffer.read(8)
if fault == "dies":
    sys.exit("the model file is damaged")
time.sleep(60)
