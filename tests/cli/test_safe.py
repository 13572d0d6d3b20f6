"""Text from elsewhere on a terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cli.safe import safe, safe_line


@given(st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Ll"])))
def test_nothing_is_left_that_moves_hides_or_turns_text(text):
    assert not [one for one in safe(text) if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in "\n\t"]


def test_ordinary_text_of_any_script_stays_as_it_is():
    text = "Größe ≥ 0,4 · 模型 · مرحبا · 👍\n\ttabs and lines"
    assert safe(text) == text


def test_one_line_is_one_line():
    assert safe_line("a\r\nb\n\tc") == "a b c"
