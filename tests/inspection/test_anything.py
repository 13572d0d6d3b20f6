"""Whatever the bytes are, the answer is a report."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.faults import CATALOGUE
from shared.domain.manifest import Limits, Manifest, SiteDefaults
from shared.domain.manifest_rules import build_manifest
from shared.inspection.archives import unpack
from shared.inspection.inspect import inspect_path
from shared.inspection.manifest_yaml import parse

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
FEW = settings(MANY, max_examples=60)

NAMES = ["score.py", "conda.yml", "manifest.yml", "model.pkl", "a/MLmodel", "requirements.txt", "t.ipynb", "test.csv"]
paths = st.text(max_size=30) | st.sampled_from(NAMES)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KEYS = [each.name for each in fields(Manifest)]
near_manifests = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), values, max_size=6)
pickled = st.builds(pickle.dumps, values, st.integers(0, 5))
LINES = """\
import os|from .a import b|def run(*a):|    pass|def init():|x = a / 'b' / x|from azureml.core import Workspace as W|W.get()
if __name__ == '__main__':|try:|except ImportError:|x = x|f'{x}/m.pkl'|from a.b import *|class run: pass"""
code = st.text(max_size=80) | st.lists(st.sampled_from(LINES.replace("\n", "|").split("|")), max_size=12).map("\n".join)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Real bytes with a few of them changed, and perhaps cut off."""
    content = bytearray(whole)
    for at, value in draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=8)):
        content[at] = value
    return bytes(content[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else content)


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/score.py", "def init(): pass\n" * 20)
        archive.writestr("b/model.pkl", pickle.dumps(list(range(300))))
    return out.getvalue()


def a_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("score.py", "x" * 150):
            info = tarfile.TarInfo(name)
            info.size = 600
            archive.addfile(info, io.BytesIO(bytes(600)))
    return out.getvalue()


def unpacked(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "into"
        faults = unpack(io.BytesIO(content), "x.zip", into, Limits())
        assert {fault.code for fault in faults} <= set(CATALOGUE)
        assert bool(faults) == (not list(into.iterdir()))
        assert [path.name for path in Path(folder).iterdir()] == ["into"]


def inspected(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(content)
        found = inspect_path(Path(folder), site=SiteDefaults())
        assert {fault.code for fault in found.faults} <= set(CATALOGUE)
        assert (found.bundle is None) == any(fault.severity == "error" for fault in found.faults)


@MANY
@given(damaged(a_zip()) | damaged(a_tar()) | st.binary(max_size=200).map(lambda tail: b"PK\3\4" + tail) | st.binary(max_size=300))
def test_any_bytes_as_an_archive(content):
    unpacked(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@MANY
@given(st.dictionaries(paths.filter(bool), st.binary(max_size=60), max_size=6))
def test_any_names_in_a_zip(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in files.items():
            archive.writestr(path if path.isprintable() else "plain", content)
    unpacked(out.getvalue())


@MANY
@given(st.text(max_size=200) | near_manifests.map(json.dumps))
def test_any_text_as_a_manifest(text):
    given_, source, faults = parse(text, "manifest.yml")
    _, more = build_manifest(given_, SiteDefaults(), drop_name="x", source=source)
    assert {fault.code for fault in (*faults, *more)} <= set(CATALOGUE)


@MANY
@given(
    near_manifests,
    st.lists(st.text(max_size=15) | st.sampled_from([f"{key}.0.x=1" for key in KEYS] + [f"{key}=[]" for key in KEYS]), max_size=3),
)
def test_any_values_and_overrides(values_, sets):
    manifest, faults = build_manifest(values_, SiteDefaults(), drop_name="x", overrides=sets)
    assert manifest.name
    assert {fault.code for fault in faults} <= set(CATALOGUE)


@FEW
@given(st.binary(max_size=300) | pickled | pickled.flatmap(damaged) | st.binary(max_size=100).map(lambda tail: b"\x80\x04" + tail))
def test_any_bytes_as_a_model(content):
    inspected(
        {"model.pkl": content, "score.py": b"def init(): pass\ndef run(data): return [1]\n", "conda.yml": b"dependencies: [python=3.11]\n"}
    )


@FEW
@given(code)
def test_any_text_as_a_scoring_file(text):
    inspected({"score.py": text.encode("utf-8", "replace"), "a.py": b"from a import a", "conda.yml": b"dependencies: []\n", "m.pkl": b"N."})


@FEW
@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.binary(max_size=80),
    )
)
def test_any_bytes_in_any_part(files):
    inspected(files)
