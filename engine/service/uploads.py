"""Pictures that were sent to the service: decoded within limits, and kept as files beside its log."""

import hashlib
import io
import threading
from pathlib import Path

from engine.search.look import opened
from graph import disk

DECODERS = 2
"""Pictures decoded at once: one of 64 million pixels takes a quarter of a gigabyte for a moment."""
QUALITY = 92
"""Of the JPEG that is kept."""

decoding = threading.Semaphore(DECODERS)


def keep(sent: bytes, folder: Path) -> str:
    """The name of the file in the folder that holds a picture now: that of its content, and nothing that was sent.

    It is on the disk when this returns. Raises DataError for what cannot be used.
    """
    with decoding:
        picture = opened(sent)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    name = f"{hashlib.sha256(content.getvalue()).hexdigest()}.jpg"
    if not (folder / name).exists():
        with disk.written_file(folder / name) as aside:
            aside.write_bytes(content.getvalue())
    return name
