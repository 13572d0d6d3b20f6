"""What uv is told of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.adapters.local.package_index import uv_environment

OURS = "https://index.example.com/simple"


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}


def test_only_what_uv_needs_is_passed(given: dict[str, str]) -> None:
    passed = uv_environment(
        given | {"AWS_SECRET_ACCESS_KEY": "x", "UV_PUBLISH_TOKEN": "x", "UV_HTTP_TIMEOUT": "9", "https_proxy": "p", "SSL_CERT_FILE": "c"}
    )
    assert {"UV_HTTP_TIMEOUT": "9", "https_proxy": "p", "SSL_CERT_FILE": "c"}.items() <= passed.items()
    assert not {"AWS_SECRET_ACCESS_KEY", "UV_PUBLISH_TOKEN", "PIP_CONFIG_FILE", "HOME"} & passed.keys()
    assert passed["UV_PYTHON_DOWNLOADS"] == "never"


def test_the_cache_stays_where_the_user_has_it(given: dict[str, str], tmp_path: Path) -> None:
    assert uv_environment(given)["UV_CACHE_DIR"] == str(tmp_path / ".cache" / "uv")
    assert uv_environment(given | {"XDG_CACHE_HOME": "/c"})["UV_CACHE_DIR"] == "/c/uv"
    assert uv_environment(given | {"UV_CACHE_DIR": "/mine"})["UV_CACHE_DIR"] == "/mine"


def test_pips_index_is_handed_on(given: dict[str, str]) -> None:
    assert uv_environment(given | {"PIP_INDEX_URL": OURS})["UV_DEFAULT_INDEX"] == OURS


def test_pips_index_from_its_file_is_handed_on(given: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        f"[global]\nindex-url = {OURS}\nextra-index-url =\n    https://a.example.com\n    https://b.example.com\nfind-links = x y\n"
    )
    passed = uv_environment(given | {"PIP_CONFIG_FILE": str(file)})
    assert passed["UV_DEFAULT_INDEX"] == OURS
    assert passed["UV_INDEX"] == "https://a.example.com https://b.example.com"
    assert passed["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert passed["UV_FIND_LINKS"] == "x,y"


def test_an_index_that_uv_was_told_of_wins(given: dict[str, str]) -> None:
    passed = uv_environment(given | {"PIP_INDEX_URL": OURS, "PIP_EXTRA_INDEX_URL": OURS, "UV_INDEX_URL": "https://uv.example.com"})
    assert passed["UV_INDEX_URL"] == "https://uv.example.com"
    assert not {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY"} & passed.keys()


def test_a_broken_pip_file_does_not_stop_a_build(given: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("index-url without a section\n")
    assert "UV_DEFAULT_INDEX" not in uv_environment(given | {"PIP_CONFIG_FILE": str(file)})
