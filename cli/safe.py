"""Text from elsewhere, made harmless for a terminal."""

from __future__ import annotations

import re
import unicodedata

_SUSPECT = re.compile(r"[^\n\t -~]")
# Control characters move the cursor or recolour the screen; format and bidi characters make text read as what it is not.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def safe(value: object) -> str:
    r"""`value` as text whose control, format and bidi characters are spelt out (`\x1b`); new lines and tabs stay."""
    return _SUSPECT.sub(_spelt, str(value).replace("\r\n", "\n"))


def safe_line(value: object) -> str:
    """The same on one line."""
    return " ".join(safe(value).split())


def _spelt(match: re.Match[str]) -> str:
    one = match.group()
    return one.encode("unicode_escape", "surrogatepass").decode("ascii") if unicodedata.category(one) in _HARMFUL else one
