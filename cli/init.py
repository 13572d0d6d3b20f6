"""`init`: copy a model template, named for its folder."""

from __future__ import annotations

import re
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.exits import OK, CommandError
from cli.output import Output

if TYPE_CHECKING:
    from rich.console import Console

TEMPLATES = Path(__file__).resolve().parent.parent / "model_templates"
CACHES = ("__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".venv", ".git", ".DS_Store", "*.pyc")
_PLAIN = re.compile(r"[A-Za-z][\w.-]*")
_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def init_arguments(parser: ArgumentParser) -> None:
    """`init TEMPLATE [DIR]`."""
    parser.add_argument("template", nargs="?", metavar="TEMPLATE", help="without it the templates are listed")
    parser.add_argument("dir", nargs="?", type=Path, metavar="DIR", help="the new folder (default: the template's name)")


def init(args: Namespace, out: Output) -> int:
    """Copy the template; never over anything."""
    template = template_named(args.template)
    folder: Path = args.dir or Path(args.template)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"{folder} is there already and is not empty.", "Name another folder; init never overwrites.")
    copy_template(template, folder)
    name = rename(folder)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    out.result({"template": template.name, "folder": str(folder), "name": name, "files": files}, lambda to: _show(to, folder, files))
    return OK


def templates() -> dict[str, str]:
    """Name and one line about it, of every template."""
    folders = sorted(TEMPLATES.iterdir()) if TEMPLATES.is_dir() else []
    return {folder.name: _about(folder) for folder in folders if (folder / "manifest.yml").is_file()}


def copy_template(template: Path, folder: Path) -> None:
    """Copy the files that a person needs: no caches, and writable whatever the template is."""
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(*CACHES), copy_function=shutil.copyfile, dirs_exist_ok=True)


def rename(folder: Path) -> str:
    """Set `name` in the folder's manifest to the folder's name; comments and order stay. The name as written."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._") or "model"
    plain = _PLAIN.fullmatch(name) and name.lower() not in _YAML_WORDS
    line = f"name: {name}" if plain else f'name: "{name}"'
    manifest = folder / "manifest.yml"
    text, found = re.subn(r"^name:[^\n#]*?(?=[ \t]*(?:#.*)?$)", line, manifest.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    manifest.write_text(text if found else f"{line}\n{text}", encoding="utf-8")
    return name


def template_named(asked: str | None) -> Path:
    """The folder of a template. Raises CommandError, with those there are, when there is none of this name."""
    known = templates()
    if asked in known:
        return TEMPLATES / str(asked)
    listed = "\n".join(f"  {name:<18} {about}".rstrip() for name, about in known.items()) or "  (none here)"
    if asked is None:
        raise CommandError("Which template?", f"{listed}\nmodelgate init TEMPLATE [DIR]")
    import difflib  # noqa: PLC0415 - only here

    close = difflib.get_close_matches(asked, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise CommandError(f"There is no template {asked!r}.{hint}", f"There are:\n{listed}", name="not_found")


def _about(folder: Path) -> str:
    """The first sentence of the template's README."""
    readme = folder / "README.md"
    lines = readme.read_text(encoding="utf-8").splitlines() if readme.is_file() else []
    prose = next((line.strip() for line in lines if line.strip() and not line.startswith(("#", "!", "<", "`", "|", "-"))), "")
    return prose if len(prose) <= 90 else prose[:87].rsplit(" ", 1)[0] + " …"  # noqa: PLR2004 - what fits beside a name


def _show(console: Console, folder: Path, files: list[str]) -> None:
    console.print(f"{folder}/ is ready: {', '.join(files)}")
    console.print("\nNext:")
    console.print(f"  modelgate check {folder}             look for faults, offline")
    console.print("  modelgate up                         in another window: the whole system on this machine")
    console.print(f"  modelgate submit {folder} --watch    wait for the verdict")
