"""Text from elsewhere, made harmless for a terminal."""

from __future__ import annotations

import re

# Control characters move the cursor or recolour the screen; format and bidi characters make text read as what it is not.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def safe(value: object) -> str:
    r"""`value` as text whose control, format and bidi characters are spelt out (`\x1b`); new lines and tabs stay."""
    text = str(value).replace("\r\n", "\n")
    return _HARMFUL.sub(_spelt, text)


def safe_line(value: object) -> str:
    """The same on one line."""
    return " ".join(safe(value).split())


def _spelt(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "surrogatepass").decode("ascii")
