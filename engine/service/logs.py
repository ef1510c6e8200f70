"""Lines of the log, on the error stream: for people, or as JSON, one object a line."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["text", "json"]
FIELDS = "fields"
"""The attribute of a record that holds its fields by name."""


class _Lines(logging.Formatter):
    """Of a record its time, level, words and fields, and the traceback if it has one."""

    def __init__(self, style: Format) -> None:
        super().__init__()
        self._as_json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields: dict[str, Any] = getattr(record, FIELDS, {})
        trace = self.formatException(record.exc_info) if record.exc_info else None
        level, message = record.levelname.lower(), record.getMessage()
        if self._as_json:
            told = {"time": time, "level": level, "message": message} | fields
            return json.dumps(told | ({"traceback": trace} if trace else {}), ensure_ascii=False, default=str)
        line = " ".join([time, level, message, *(f"{name}={value}" for name, value in fields.items())])
        # A line stays a line, whatever was put into it.
        return line.replace("\r", "\\r").replace("\n", "\\n") + (f"\n{trace}" if trace else "")


def install(style: Format) -> None:
    """Let this process write its log so: the service's requests, and warnings of everything."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(style))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("engine.service").setLevel(logging.INFO)
