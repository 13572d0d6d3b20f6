"""Plots of a release's predictions, small enough to stand inside a report: many points are shown as a density."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs import svg
from jobs.files import write_text
from jobs.metrics import Counts
from jobs.predictions import Predictions

Floats = npt.NDArray[np.float64]
MOST_DOTS = 600
CELLS = 40  # of a density, each way
SHADES = 8
BINS = 30
MOST_CLASSES = 12


def draw(folder: Path, task: str, true: npt.NDArray[Any], found: Predictions) -> list[str]:
    """Write the plots that fit the task into `folder`; their names. Nothing is drawn where no row has both label and prediction."""
    drawn: dict[str, str] = {}
    if task == "regression":
        both = found.answered & np.isfinite(true)
        drawn = _of_numbers(true[both], found.values[both]) if both.any() else {}
    elif task == "classification":
        both = found.answered & np.array([name is not None for name in true], dtype=bool)
        drawn = _of_labels(Counts.of(true[both], found.values[both])) if both.any() else {}
    for name, content in drawn.items():
        write_text(folder / name, content)
    return list(drawn)


def _of_numbers(true: Floats, predicted: Floats) -> dict[str, str]:
    return {"predicted_against_true.svg": cloud(true, predicted), "residuals.svg": residuals(true - predicted)}


def cloud(true: Floats, predicted: Floats) -> str:
    """Predicted against true, with the line on which all would lie."""
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    pad = (high - low) * 0.04 or 1.0
    x, y = svg.across(low - pad, high + pad), svg.upward(low - pad, high + pad)
    points = _dots(x, y, true, predicted) if len(true) <= MOST_DOTS else _density(x, y, true, predicted)
    ideal = svg.line(x(low), y(low), x(high), y(high), dashed=True, strength=0.8)
    ranges = [f"{values.min():.4g} to {values.max():.4g}" for values in (true, predicted)]
    description = f"{len(true)} rows. True values from {ranges[0]}, predicted from {ranges[1]}."
    return svg.document("Predicted against true", description, [*svg.axes(x, y, "true", "predicted"), *points, ideal])


def _dots(x: svg.Scale, y: svg.Scale, true: Floats, predicted: Floats) -> list[str]:
    dots = [svg.dot(x(one), y(other)) for one, other in zip(true, predicted, strict=True)]
    return [f'<g fill="{svg.ACCENT}" fill-opacity="0.6">', *dots, "</g>"]


def _density(x: svg.Scale, y: svg.Scale, true: Floats, predicted: Floats) -> list[str]:
    counts, xs, ys = np.histogram2d(true, predicted, bins=CELLS, range=[[x.low, x.high], [y.low, y.high]])
    shades = np.ceil(SHADES * np.log1p(counts) / np.log1p(counts.max()))
    size = x(xs[1]) - x(xs[0]), y(ys[0]) - y(ys[1])
    return [
        svg.tiles([(x(xs[i]), y(ys[j + 1])) for i, j in np.argwhere(shades == shade)], size, strength=shade / SHADES)
        for shade in range(1, SHADES + 1)
    ]


def residuals(errors: Floats) -> str:
    """How far off: a histogram of true minus predicted."""
    counts, edges = np.histogram(errors, bins=BINS)
    x, y = svg.across(float(edges[0]), float(edges[-1])), svg.upward(0, float(counts.max()))
    bars = [
        svg.box(
            x(left),
            y(count),
            max(0.5, x(right) - x(left) - 1),
            y(0) - y(count),
            strength=0.8,
            told=f"{left:.4g} to {right:.4g}: {count} rows",
        )
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True)
        if count
    ]
    zero = [svg.line(x(0), svg.TOP, x(0), y(0), dashed=True, strength=0.8)] if edges[0] < 0 < edges[-1] else []
    low, high = np.quantile(errors, [0.25, 0.75])
    description = f"{len(errors)} rows. True minus predicted: mean {errors.mean():.4g}, half of them between {low:.4g} and {high:.4g}."
    return svg.document("Residuals", description, [*svg.axes(x, y, "true minus predicted", "rows"), *bars, *zero])


def _of_labels(counts: Counts) -> dict[str, str]:
    often = np.argsort(-(counts.true + counts.predicted), kind="stable")[:MOST_CLASSES]
    chosen = sorted(int(at) for at in often)
    return {"confusion.svg": confusion(counts, chosen), "classes.svg": classes(counts, chosen)}


@dataclass(frozen=True)
class Grid:
    """Cells of a matrix."""

    side: float
    high: float
    left: float = 130
    top: float = 66

    def cell(self, row: int, column: int, count: int, share: float, told: str) -> list[str]:
        """A shaded cell with its number."""
        x, y = self.left + column * self.side, self.top + row * self.high
        filled = svg.box(x + 1, y + 1, self.side - 2, self.high - 2, strength=0.06 + 0.7 * share, told=f"{told}: {count}")
        return [filled, svg.text(x + self.side / 2, y + self.high / 2 + 4, str(count))] if count else [filled]

    def names(self, names: list[str]) -> list[str]:
        """The classes at the left and above."""
        rows = [svg.text(self.left - 8, self.top + (i + 0.5) * self.high + 4, _short(name), anchor="end") for i, name in enumerate(names)]
        above = int(self.side // 7) or 1
        return rows + [svg.text(self.left + (j + 0.5) * self.side, self.top - 8, _short(name, above)) for j, name in enumerate(names)]


def confusion(counts: Counts, chosen: list[int]) -> str:
    """Which class was taken for which: rows are true, columns predicted."""
    names, table = [counts.classes[at] for at in chosen], counts.table(chosen)
    side = (svg.WIDTH - 130 - svg.RIGHT) / len(names)
    grid = Grid(side, min(side, 48.0))
    parts = grid.names(names)
    for (i, j), count in np.ndenumerate(table):
        parts += grid.cell(i, j, int(count), float(count / max(1.0, counts.true[chosen[i]])), f"{names[i]} taken for {names[j]}")
    bottom = grid.top + len(names) * grid.high
    parts += [svg.text((grid.left + svg.WIDTH) / 2, bottom + 22, "predicted"), svg.text(18, (grid.top + bottom) / 2, "true", turned=True)]
    left_out = f" The {len(names)} most frequent of {len(counts.classes)} classes." if len(names) < len(counts.classes) else ""
    return svg.document(
        "Confusion matrix", f"{int(counts.true.sum())} rows, {counts.accuracy:.1%} right.{left_out}", parts, int(bottom + 36)
    )


def classes(counts: Counts, chosen: list[int]) -> str:
    """Recall and precision of each class as bars."""
    high, parts = 34, []
    for number, at in enumerate(chosen):
        top = 46 + number * high
        parts += _bar(top, "recall", float(counts.recall[at]), 0.9) + _bar(top + 13, "precision", float(counts.precision[at]), 0.45)
        parts.append(svg.text(122, top + 17, f"{_short(counts.classes[at])} ({int(counts.true[at])})", anchor="end"))
    bottom = 46 + len(chosen) * high
    parts.append(svg.text(svg.WIDTH / 2, bottom + 16, "upper bar: recall, lower bar: precision; in brackets: rows of the class", size=11))
    told = ", ".join(f"{counts.classes[at]} {counts.recall[at]:.2f}" for at in chosen)
    return svg.document("Recall and precision by class", f"Recall: {told}.", parts, bottom + 30)


def _bar(top: float, word: str, value: float, strength: float) -> list[str]:
    x = svg.Scale(0, 1, 130, svg.WIDTH - 60)
    bar = svg.box(130, top, max(0.5, x(value) - 130), 11, strength=strength, told=f"{word}: {value:.3f}")
    return [bar, svg.text(x(value) + 6, top + 10, f"{value:.2f}", anchor="start", size=10)]


def _short(name: str, most: int = 14) -> str:
    return name if len(name) <= most else name[: max(1, most - 1)] + "…"
