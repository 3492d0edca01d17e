"""What all tests of the package need."""

from __future__ import annotations

import signal

# A shell starts what it runs in the background with Ctrl-C ignored, and so would be the programs
# that tests start to interrupt them.
signal.signal(signal.SIGINT, signal.default_int_handler)
