"""Logs: one line a record, with the release, stage and task it speaks of, and no secret."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

CONTEXT = ("release_id", "stage", "fact", "task_key")
_SECRET = re.compile(r"(?i)\b(sig|code|key|password|token|secret|authorization)=[^\s&\"']+|://[^/\s:@]+:[^/\s@]+@")


def safe(text: str) -> str:
    """The text with values of secrets taken out and control characters spelled, so that a line stays a line."""
    text = _SECRET.sub(lambda match: "://***@" if match[0].startswith("://") else f"{match[1]}=***", text)
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


class JsonLines(logging.Formatter):
    """A JSON object a line: at, level, logger, message, and the context that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Secrets taken out, tracebacks kept as one string."""
        line = {"at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"), "level": record.levelname}
        line |= {"logger": record.name, "message": safe(record.getMessage())}
        line |= {key: str(getattr(record, key)) for key in CONTEXT if hasattr(record, key)}
        if record.exc_info:
            line["traceback"] = _SECRET.sub("***", self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class Plain(logging.Formatter):
    """For a person's terminal: time, level if it matters, message."""

    def format(self, record: logging.LogRecord) -> str:
        """`09:31:07 release r… : building -> deploying (ImageBuilt)`."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno < logging.WARNING else f"{record.levelname} "
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{at} {level}{safe(record.getMessage())}{trace}"


def to_files(folder: Path, level: str, *, console: bool = True) -> None:
    """Log `modelgate.*` into `folder/functions.jsonl` (20 MB, 5 kept) and, if wanted, to the terminal."""
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415 - the laptop's affair

    root = logging.getLogger("modelgate")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.setLevel(level)
    root.propagate = False
    folder.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(folder / "functions.jsonl", maxBytes=20_000_000, backupCount=5, encoding="utf-8", delay=True)
    file.setFormatter(JsonLines())
    root.addHandler(file)
    if console:
        terminal = logging.StreamHandler()
        terminal.setFormatter(Plain())
        root.addHandler(terminal)
