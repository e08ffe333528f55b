"""A program that ends with the exit code in its arguments, or says who it is and ends late.

python -m tests.backend.commands.ending CODE | late
"""

from __future__ import annotations

import os
import sys
import time

if __name__ == "__main__":
    if sys.argv[1] == "late":
        print(os.getpid(), flush=True)
        time.sleep(60)
    sys.exit(int(sys.argv[1]))
