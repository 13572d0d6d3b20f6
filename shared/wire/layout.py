"""The templates' one door: Jinja2 with escaping on, the shared style, and a policy that lets pages load and run nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - kept out of the start of the functions

    found = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    found.filters["ticks"] = ticks
    return found


def ticks(text: str) -> Markup:
    """`text` escaped, with what stands between backticks set as code."""
    from markupsafe import escape  # noqa: PLC0415 - comes with Jinja2

    parts = str(escape(text)).split("`")
    if len(parts) % 2 == 0:  # a tick without its pair
        return escape(text)
    return trusted("".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)))


def render(template: str, **values: object) -> str:
    """The template with `values` escaped, and with style, script and policies filled in."""
    ours = {"style": trusted(style()), "script": trusted(script()), "csp": policy(), "page_csp": policy(page=True)}
    return _environment().get_template(template).render(ours, **values).lstrip()


def trusted(markup: str) -> Markup:
    """Markup of our own making (a file of ours, or a plot that `safe_svg` wrote)."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2

    return Markup(markup)  # noqa: S704 - see above


@cache
def style() -> str:
    """The one style sheet."""
    return (FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The few lines that keep a running release's page fresh."""
    return (FOLDER / "refresh.js").read_text(encoding="utf-8")


@cache
def policy(*, page: bool = False) -> str:
    """Content-Security-Policy of a report, or of a page (which may fetch itself, run our one script and post to us)."""
    allowed = f"default-src 'none'; base-uri 'none'; style-src '{_hash(style())}'"
    if page:
        return f"{allowed}; script-src '{_hash(script())}'; connect-src 'self'; form-action 'self'"
    return f"{allowed}; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
