"""Spoils a template: the same bundle with a model that learnt from labels dealt out at random."""

from __future__ import annotations

import shutil
from pathlib import Path

SPOILT = Path(__file__).parent / "spoilt"


def spoil(template: Path, into: Path) -> Path:
    """Copy the template's folder to `into` (which must not exist) with its spoilt twin in the model's place. Returns `into`."""
    shutil.copytree(template, into)
    (twin,) = (SPOILT / template.name).iterdir()
    original = into / twin.name
    if twin.is_dir():
        shutil.rmtree(original)
        shutil.copytree(twin, original)
    else:
        original.unlink()
        shutil.copyfile(twin, original)
    return into
