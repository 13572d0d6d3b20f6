"""What the settings of this machine say to commands that work without a server."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from cli.exits import CommandError

if TYPE_CHECKING:
    from shared.settings import Settings


def settings() -> Settings:
    """The settings. Raises CommandError, naming the variable, when one makes no sense."""
    from shared.domain.errors import Permanent  # noqa: PLC0415 - not for --help
    from shared.settings import load  # noqa: PLC0415 - not for --help

    try:
        return load()
    except Permanent as error:
        raise CommandError(str(error), name="settings") from None


def home_argument(parser: ArgumentParser) -> None:
    """`--home DIR`."""
    parser.add_argument("--home", type=Path, metavar="DIR", help="where the laptop keeps everything (MODELGATE_HOME, else .modelgate)")


def home_of(asked: Path | None) -> Path:
    """The home asked for, else that of the settings; absolute."""
    return asked.expanduser().resolve() if asked else settings().home
