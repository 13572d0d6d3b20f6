"""Pickles: read by their opcodes, and never run."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from shared.inspection.pickle_reader import Found, Opcodes, follow_pickle

SAMPLES = Path(__file__).parent / "samples"


class Runs:
    def __init__(self, what, *args):
        self.what, self.args = what, args

    def __reduce__(self):
        return self.what, self.args


def glued(module: str, name: str, *strings: str) -> bytes:
    """A protocol 4 pickle that imports a name and then holds some texts."""

    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode() + b"\x94"

    return b"\x80\x04" + text(module) + text(name) + b"\x93\x940" + b"".join(text(each) + b"0" for each in strings) + b"N."


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("what", "name"),
    [(os.system, "system"), (subprocess.check_call, "check_call"), (eval, "eval"), (exec, "exec"), (__import__, "__import__")],
)
def test_a_pickle_that_runs_something_is_an_error(fault, protocol, what, name):
    found = fault("MG180", {"model.pkl": pickle.dumps(Runs(what, "1"), protocol)})
    assert (found.severity, found.file) == ("error", "model.pkl")
    assert name in found.message


def test_a_name_that_is_fetched_from_the_memo_is_seen(fault):
    """`posix`, `system` are remembered as texts long before they are imported."""
    pickled = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x940" + b"0" + b"h\x00h\x01\x93\x8c\x01x\x85R."
    assert "posix.system" in fault("MG180", {"model.pkl": pickled}).message


def test_a_name_that_is_hidden_is_an_error(fault):
    assert fault("MG180", {"model.pkl": b"\x80\x04NN\x93."})


def test_nothing_is_run_by_looking(look, tmp_path):
    look({"model.pkl": pickle.dumps(Runs(os.mkdir, str(tmp_path / "made")))})
    assert not (tmp_path / "made").exists()


def test_what_models_import_is_no_error(codes):
    pickled = pickle.dumps([Runs(getattr, 1, "real"), Runs(complex, 1), Path("a"), {1, 2}, range(3), object])
    assert codes({"model.pkl": pickled}) == []


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_cut_off_pickle_is_an_error(fault, cut):
    whole = pickle.dumps({"weights": list(range(100))})
    assert fault("MG181", {"model.pkl": whole[:-cut]}).severity == "error"


def test_a_package_that_a_pickle_needs(fault):
    found = fault("MG182", {"model.pkl": glued("xgboost.sklearn", "XGBRegressor")})
    assert found.severity == "error"
    assert "`- xgboost`" in found.fix


def test_a_module_of_the_bundle_that_a_pickle_needs_is_there(codes):
    assert codes({"model.pkl": glued("features.scaling", "Scaler"), "features/scaling.py": "class Scaler: pass\n"}) == []


def test_what_comes_with_a_listed_package_is_not_missed(codes):
    assert codes({"model.pkl": glued("numpy._core.multiarray", "_reconstruct")}) == []


def test_another_version_of_scikit_learn_is_a_warning_at_its_pin(fault):
    found = fault("MG183", {"model.pkl": glued("sklearn.linear_model._base", "LinearRegression", "_sklearn_version", "1.2.2")})
    assert (found.severity, found.file, found.line) == ("warning", "conda.yml", 7)
    assert "scikit-learn==1.2.2" in found.fix


def test_the_pinned_version_is_no_warning(codes):
    assert codes({"model.pkl": glued("sklearn.linear_model._base", "LinearRegression", "_sklearn_version", "1.7.2")}) == []


def test_a_range_that_allows_the_version_is_no_warning(codes, good):
    pickled = glued("sklearn.linear_model._base", "LinearRegression", "_sklearn_version", "1.6.1")
    assert codes({"model.pkl": pickled, "conda.yml": good["conda.yml"].replace("==1.7.2", ">=1.5,<2")}) == []


def test_a_class_of_the_training_script_is_a_warning(fault):
    found = fault("MG186", {"model.pkl": glued("__main__", "MyModel")})
    assert (found.severity, "MyModel" in found.message) == ("warning", True)


def test_a_text_called_pkl_is_no_pickle(fault):
    assert fault("MG185", {"model.pkl": b"~ hello"}).severity == "warning"


def test_a_pickle_without_end_is_read_only_in_part(fault):
    assert fault("MG184", {"model.pkl": b"\x80\x04" + b"N0" * 300_000 + b"N."}).severity == "info"


# joblib, torch, compression


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.joblib")))
def test_joblib_files_are_followed_over_their_raw_arrays(look, name):
    """Real files of joblib with a scikit-learn 1.9.1 pipeline behind arrays, so the version is found only beyond them."""
    found = look({"model.pkl": (SAMPLES / name).read_bytes()})
    assert [fault.code for fault in found.faults] == ["MG183"]
    assert "1.9.1" in found.faults[0].message


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_compressed_pickles_are_looked_into(fault, pack):
    assert fault("MG180", {"model.pkl": pack(pickle.dumps(Runs(os.system, "x")))})


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_compressed_pickles_that_are_cut_off_are_errors(fault, pack):
    assert fault("MG181", {"model.pkl": pack(pickle.dumps(os.urandom(50_000)))[:-2000]})


def test_the_pickle_inside_a_file_of_torch_is_looked_into(fault, good):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps(Runs(os.system, "x")))
        archive.writestr("net/data/0", b"weights")
    assert fault("MG180", {"model.pkl": None, "net.pt": out.getvalue(), "score.py": good["score.py"].replace("model.pkl", "net.pt")})


def test_a_second_pickle_in_the_file_is_looked_into(fault):
    assert fault("MG180", {"model.pkl": pickle.dumps(1) + pickle.dumps(Runs(os.system, "x"))})


def test_a_hostile_pickle_beside_the_model_is_found_too(fault):
    assert fault("MG180", {"extra/scaler.sav": pickle.dumps(Runs(os.system, "x"))}).file == "extra/scaler.sav"


class Counting(io.BytesIO):
    """Remembers the largest read."""

    largest = 0

    def read(self, size=-1):
        self.largest = max(self.largest, size if size is not None and size >= 0 else 1 << 62)
        return super().read(size)


def test_a_large_array_is_read_over_in_pieces():
    size = 40 << 20
    stream = Counting(b"\x80\x04\x8e" + struct.pack("<Q", size) + bytes(size) + b".")
    follow_pickle(Opcodes(stream), Found())
    assert stream.largest <= 1 << 20
