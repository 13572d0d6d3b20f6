"""Plots made safe to stand inside a page: parsed, and written again from a list of what is allowed."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree as ET

MOST = 2_000_000  # bytes of one plot
_SVG = "{http://www.w3.org/2000/svg}"
_DRAWING = """svg g defs title desc path rect circle ellipse line polyline polygon text tspan clipPath linearGradient
    radialGradient stop marker"""
_PROPERTIES = """viewBox width height x y x1 y1 x2 y2 cx cy r rx ry d points transform dx dy rotate id class fill fill-opacity
    fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-linecap stroke-linejoin opacity clip-path clip-rule
    font-size font-family font-weight font-style text-anchor dominant-baseline letter-spacing offset stop-color stop-opacity
    gradientUnits gradientTransform clipPathUnits marker-end marker-start markerWidth markerHeight refX refY orient
    vector-effect shape-rendering preserveAspectRatio role textLength"""
_ELEMENTS, _ATTRIBUTES = frozenset(_DRAWING.split()), frozenset(_PROPERTIES.split())
_LOCAL = re.compile(r"url\(#([\w.-]+)\)")
_ACTIVE = re.compile(r"(?i)url|javascript|data:|expression|@import|[\\<>]|&#")


def safe_svg(content: bytes, prefix: str = "p") -> str | None:
    """The drawing as markup for a page, or None if it is no SVG that can be shown. Ids get `prefix`, so that plots do not mix."""
    if len(content) > MOST or b"<!" in re.sub(rb"<!--.*?-->", b"", content, flags=re.DOTALL):
        return None  # a document type can hold entities that grow without end
    try:
        root = ET.fromstring(content)  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, RecursionError):
        return None
    if root.tag != _SVG + "svg":
        return None
    try:
        drawn = _copied(root, prefix)
        drawn.set("xmlns", _SVG[1:-1])
        _fit(drawn)
        return ET.tostring(drawn, encoding="unicode")
    except RecursionError:
        return None


def svg_description(content: bytes) -> str:
    """What the drawing says of itself in words, or nothing."""
    found = re.search(rb"<desc[^>]*>([^<]{1,600})</desc>", content)
    return unescape(found.group(1).decode("utf-8", "replace")) if found else ""


def _copied(element: ET.Element, prefix: str) -> ET.Element:
    copy = ET.Element(element.tag.removeprefix(_SVG))
    for name, value in element.attrib.items():
        kept = _attribute(name, value, prefix)
        if kept is not None:
            copy.set(name, kept)
    copy.text = element.text
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(_SVG) and child.tag.removeprefix(_SVG) in _ELEMENTS:
            drawn = _copied(child, prefix)
            drawn.tail = child.tail
            copy.append(drawn)
    return copy


def _attribute(name: str, value: str, prefix: str) -> str | None:
    if name not in _ATTRIBUTES:
        return None
    if name == "id":
        return f"{prefix}-{value}"
    local = _LOCAL.fullmatch(value.strip())
    if local:
        return f"url(#{prefix}-{local.group(1)})"
    return None if _ACTIVE.search(value) else value


def _fit(root: ET.Element) -> None:
    """Let the page decide the size; the drawing keeps its proportions."""
    width, height = root.attrib.pop("width", None), root.attrib.pop("height", None)
    if "viewBox" not in root.attrib and width and height:
        sizes = [re.sub(r"(px|pt)$", "", size) for size in (width, height)]
        if all(re.fullmatch(r"[\d.]+", size) for size in sizes):
            root.set("viewBox", f"0 0 {sizes[0]} {sizes[1]}")
    root.set("role", "img")
