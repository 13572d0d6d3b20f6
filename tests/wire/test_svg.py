from __future__ import annotations

import pytest

from shared.wire.svg import safe_svg, svg_description
from tests.wire import samples as s

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" '


def made_safe(inner, head=""):
    return safe_svg(f"{HEAD}{head}>{inner}</svg>".encode())


def test_a_plot_keeps_its_shapes_and_words():
    drawn = safe_svg(s.cloud())
    assert drawn.count("<circle") == 89
    assert "predicted</text>" in drawn


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<rect onclick="alert(1)"/>',
        '<a xlink:href="javascript:alert(1)"><text>x</text></a>',
        '<image href="http://evil.example/x.png"/>',
        '<use href="#x"/>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></body></foreignObject>',
        "<style>@import url(http://evil.example)</style>",
        '<rect style="fill:url(http://evil.example)"/>',
        '<rect fill="url(http://evil.example/#x)"/>',
        '<rect fill="url(javascript:alert(1))"/>',
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
    ],
)
def test_nothing_active_is_left(inner):
    drawn = made_safe(inner)
    assert not any(word in drawn for word in ("alert", "evil", "href", "script", "foreignObject", "style", "animate", "onclick"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        b"<html/>",
        b"<svg/>",  # no SVG without its namespace
        b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>',
        HEAD.encode() + b">" + b"<g>" * 5000 + b"</g>" * 5000 + b"</svg>",
        HEAD.encode() + b">" + b" " * 2_000_001 + b"</svg>",
    ],
)
def test_what_is_no_drawing_is_not_shown(content):
    assert safe_svg(content) is None


def test_text_stays_escaped():
    assert "&lt;script&gt;" in made_safe("<text>&lt;script&gt;</text>")


def test_ids_of_two_plots_do_not_mix():
    inner = '<clipPath id="c"><rect/></clipPath><g clip-path="url(#c)"/>'
    first, second = (safe_svg(f"{HEAD}>{inner}</svg>".encode(), prefix) for prefix in ("p0", "p1"))
    assert 'id="p0-c"' in first
    assert 'clip-path="url(#p0-c)"' in first
    assert "p0-" not in second


def test_a_fixed_size_becomes_a_view_box():
    drawn = safe_svg(b'<svg xmlns="http://www.w3.org/2000/svg" width="300px" height="200"/>')
    assert 'viewBox="0 0 300 200"' in drawn
    assert "width" not in drawn


def test_what_a_plot_says_of_itself_is_read():
    assert svg_description(s.cloud()).startswith("89 rows.")
    assert svg_description(b"<svg/>") == ""
