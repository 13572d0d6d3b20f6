"""Renders the README's pictures: the verdict mail and the report of a stored sample release, by a headless Chromium if there is one.

`python -m docs.pictures` writes docs/mail.png and docs/report.png; without a Chromium it says so and leaves the old ones.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

from shared.wire.mail import compose
from shared.wire.report import render_report

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=2",
)  # fmt: skip


def main() -> int:
    """Write both pictures."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"No pictures: none of {', '.join(BROWSERS)} is on PATH. Those in docs/ stay as they are.", file=sys.stderr)  # noqa: T201
        return 0
    mail, report = sample_pages()
    shoot(browser, mail, ROOT / "docs/mail.png", width=700, height=860)
    shoot(browser, report, ROOT / "docs/report.png", width=1080, height=1340)
    return 0


def sample_pages() -> tuple[str, str]:
    """The mail and the report of the sample that passed, as HTML."""
    samples = _samples()
    zone = ZoneInfo("Europe/Berlin")
    report = render_report(samples.PASSED, samples.evidence(), zone=zone)
    at = samples.PASSED.updated_at + timedelta(seconds=1)
    mail = compose(samples.PASSED, "verdict", sender="modelgate@example.com", report=report, at=at, local_zone=zone)
    return mail.html, report.decode()


def shoot(browser: str, html: str, picture: Path, *, width: int, height: int) -> None:
    """`html` as a PNG of `width` x `height` CSS pixels. Raises RuntimeError when the browser wrote none."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        page.write_text(html, encoding="utf-8")
        sizes = [f"--user-data-dir={folder}/profile", f"--window-size={width},{height}", f"--screenshot={shot}"]
        done = subprocess.run([browser, *QUIET, *sizes, page.as_uri()], capture_output=True, timeout=120, check=False)
        if not shot.is_file():
            raise RuntimeError(f"{browser} wrote no picture (exit code {done.returncode}): {done.stderr[-500:].decode(errors='replace')}")
        shutil.copyfile(shot, picture)


def _samples() -> ModuleType:
    """The stored sample releases; tests/ is no package that could be imported from everywhere."""
    spec = importlib.util.spec_from_file_location("samples", ROOT / "tests/wire/samples.py")
    if spec is None or spec.loader is None:
        raise RuntimeError("tests/wire/samples.py is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
