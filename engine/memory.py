"""Freed memory is kept for the next array instead of going back to the system and being cleared again.

Numeric code asks for large arrays over and over, and glibc by default gets each from the system: on the encoders and in
training that took as long as the work itself. A setting of the whole process, so only programs make it, not the
library.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Numbers of mallopt(3)."""


def keep_freed() -> None:
    """Tell glibc; elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((M_MMAP_THRESHOLD, 1 << 30), (M_TRIM_THRESHOLD, 1 << 30), (M_TOP_PAD, 1 << 26)):
            mallopt(option, value)
