"""Just enough SVG for plots that are read in a report: light and dark, on screen and on paper, by eye and by screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

WIDTH, HEIGHT = 560, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 40, 56
ACCENT = "#2f7fd0"  # readable on white and on near black


@dataclass(frozen=True)
class Scale:
    """A straight line from data to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + share * (self.end - self.start), 1)


def across(low: float, high: float) -> Scale:
    """The horizontal scale of the plot's area."""
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def upward(low: float, high: float) -> Scale:
    """The vertical scale of the plot's area: up is more."""
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def document(title: str, description: str, parts: Iterable[str], height: int = HEIGHT) -> str:
    """A whole SVG. Colours follow the text around it (`currentColor`)."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="currentColor" color="currentColor">'
    )
    named = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    # Only as a file of its own: inside a page, the page decides.
    style = "<style>@media (prefers-color-scheme: dark) {svg:root {color: #ddd}}</style>"
    return head + named + style + text(WIDTH / 2, 22, title, size=14) + "".join(parts) + "</svg>\n"


def text(x: float, y: float, words: str, *, anchor: str = "middle", size: int = 12, turned: bool = False) -> str:
    """A line of text."""
    turn = f' transform="rotate(-90 {x:g} {y:g})"' if turned else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}"{turn}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, *, strength: float = 0.5, dashed: bool = False) -> str:
    """A straight line."""
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="currentColor" stroke-opacity="{strength:g}"{dash}/>'


def box(x: float, y: float, width: float, height: float, *, strength: float = 1.0, told: str = "") -> str:
    """A filled box; `told` is shown by hovering."""
    inner = f"<title>{escape(told)}</title>" if told else ""
    shape = (
        f'<rect x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}" fill={quoteattr(ACCENT)} fill-opacity="{strength:.2g}"'
    )
    return f"{shape}>{inner}</rect>" if inner else f"{shape}/>"


def tiles(corners: Iterable[tuple[float, float]], size: tuple[float, float], *, strength: float) -> str:
    """Boxes of one size and strength as one path."""
    width, height = size
    path = "".join(f"M{x:g} {y:g}h{width:.4g}v{height:.4g}h-{width:.4g}z" for x, y in corners)
    return f'<path d="{path}" fill="{ACCENT}" fill-opacity="{strength:.2g}"/>'


def dot(x: float, y: float) -> str:
    """A point of a cloud."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="3"/>'


def axes(x: Scale, y: Scale, x_name: str, y_name: str) -> list[str]:
    """Both axes with round numbers and names."""
    parts = [line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM), line(LEFT, TOP, LEFT, HEIGHT - BOTTOM)]
    for value in ticks(x.low, x.high):
        parts += [line(x(value), HEIGHT - BOTTOM, x(value), HEIGHT - BOTTOM + 4), text(x(value), HEIGHT - BOTTOM + 18, f"{value:g}")]
    for value in ticks(y.low, y.high):
        parts += [line(LEFT - 4, y(value), LEFT, y(value)), text(LEFT - 8, y(value) + 4, f"{value:g}", anchor="end")]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return [*parts, text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_name), text(18, middle, y_name, turned=True)]


def ticks(low: float, high: float, about: int = 5) -> Sequence[float]:
    """Round numbers between two values."""
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** _exponent(span / about)
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= about)
    first = -(-low // step)
    return [round((first + n) * step, 12) for n in range(int((high - first * step) / step + 1e-9) + 1)]


def _exponent(value: float) -> int:
    return int(f"{value:e}".split("e")[1])
