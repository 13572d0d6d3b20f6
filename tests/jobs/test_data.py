"""Verification data as people keep it."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from tests.jobs.asking import Raised


def read(inside, job, text, target=None, *, rows=1000, name="d.csv"):
    return inside("table", str(job.data(text, name)), target, rows)


def test_labels_are_split_off(inside, job):
    found = read(inside, job, "a,y,b\n1,10,2\n3,30,4\n", "y")
    assert (found["features"], found["rows"], found["labels"]) == (["a", "b"], [[1, 2], [3, 4]], [10, 30])


def test_without_a_target_everything_is_a_feature(inside, job):
    found = read(inside, job, "a,b\n1,2\n")
    assert (found["features"], found["labels"]) == (["a", "b"], None)


def test_rows_come_in_batches_of_the_size_asked_for(inside, job):
    assert read(inside, job, "a\n" + "1\n" * 25, rows=10)["sizes"] == [10, 10, 5]


def test_missing_values_are_null(inside, job):
    assert read(inside, job, "a,b,c\n1,,x\n,2.5,\nNA,nan,z\n")["rows"] == [[1, None, "x"], [None, 2.5, None], [None, None, "z"]]


def test_dates_stay_the_text_that_they_are(inside, job):
    assert read(inside, job, "d,t\n2024-01-31,2024-01-31 10:20:30\n")["rows"] == [["2024-01-31", "2024-01-31 10:20:30"]]


def test_truth_values_are_read(inside, job):
    assert read(inside, job, "a\ntrue\nFalse\n")["rows"] == [[True], [False]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(inside, job, separator):
    text = f"a{separator}b\n1{separator}2\n"
    assert read(inside, job, text)["rows"] == [[1, 2]]


def test_a_byte_order_mark_is_no_part_of_the_first_name(inside, job):
    assert read(inside, job, b"\xef\xbb\xbfa,b\n1,2\n", "a")["features"] == ["b"]


def test_latin_1_is_understood(inside, job):
    assert read(inside, job, "ort,b\nMünchen,1\n".encode("latin-1"))["rows"] == [["München", 1]]


def test_quoted_values_may_hold_separators_and_line_ends(inside, job):
    assert read(inside, job, 'a,b\n"x,\ny",1\n')["rows"] == [["x,\ny", 1]]


def test_gzip_is_opened(inside, job):
    assert read(inside, job, gzip.compress(b"a,y\n1,2\n"), "y", name="d.csv.gz")["rows"] == [[1]]


def test_an_index_that_pandas_wrote_is_left_out_and_told(inside, job):
    found = read(inside, job, ",a\n0,5\n1,6\n")
    assert (found["features"], found["notes"]) == (["a"], ["MG524"])


def test_a_column_that_turns_out_otherwise_far_below_is_widened(inside, job):
    """The types are guessed from the first 8 MB."""
    many = "1,2,3\n" * 1_500_000
    found = inside("table_types", str(job.data(f"a,b,c\n{many}1.5,x,3\n", "large.csv")))
    assert found == {"a": "double", "b": "string", "c": "int64"}


def test_parts_of_a_folder_are_read_one_after_the_other(inside, job):
    job.data("a,y\n1,2\n", "parts/part-1.csv")
    job.data("y,a\n4,3\n", "parts/part-2.csv")
    job.data("", "parts/_SUCCESS")
    found = inside("table", str(job.folder / "parts"), "y")
    assert (found["rows"], found["labels"]) == ([[1], [3]], [2, 4])


def test_parts_of_different_types_are_read_as_the_wider(inside, job):
    job.data("a\n1\n", "parts/1.csv")
    job.data("a\n1.5\n", "parts/2.csv")
    assert inside("table", str(job.folder / "parts"))["rows"] == [[1.0], [1.5]]


def test_parquet_values_are_safe_for_json(inside, job):
    columns = {
        "date": "[datetime.date(2024, 1, 31)]",
        "time": "[datetime.datetime(2024, 1, 31, 10, 20)]",
        "price": "[Decimal('1.50')]",
        "missing": "[nan]",
        "endless": "[inf]",
        "pixels": "[[1.0, nan]]",
        "raw": "[b'ab']",
        "y": "[1]",
    }
    inside("write_parquet", str(job.folder / "d.parquet"), columns)
    found = inside("table", str(job.folder / "d.parquet"), "y")
    assert found["rows"] == [["2024-01-31", "2024-01-31T10:20:00", 1.5, None, None, [1.0, None], "YWI="]]


def test_parquet_is_known_by_its_content(inside, job):
    inside("write_parquet", str(job.folder / "d.csv"), {"a": "[1]"})
    assert inside("table", str(job.folder / "d.csv"))["rows"] == [[1]]


REFUSED = {
    "nothing in it": (b"", "d.csv", None, "MG503"),
    "a header only": (b"a,b\n", "d.csv", None, "MG503"),
    "no such target": (b"age,price\n1,2\n", "d.csv", "prize", "MG504"),
    "a spreadsheet": (b"PK\x03\x04\x00\x00", "d.csv", None, "MG502"),
    "another ending": (b"{}", "d.json", None, "MG502"),
    "a row too long": (b"a,b\n1,2\n1,2,3\n", "d.csv", None, "MG502"),
    "a name twice": (b"a,a\n1,2\n", "d.csv", None, "MG505"),
    "parquet cut off": (b"PAR1 and no more", "d.parquet", None, "MG502"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_data_that_cannot_be_used_is_a_coded_fault(inside, job, case):
    content, name, target, code = case
    with pytest.raises(Raised) as raised:
        read(inside, job, content, target, name=name)
    assert raised.value.codes == [code]


def test_a_misspelt_target_is_told_what_was_meant(inside, job):
    with pytest.raises(Raised, match="did you mean 'price'"):
        read(inside, job, "age,price\n1,2\n", "prize")


def test_a_bad_row_is_told_without_its_values(inside, job):
    with pytest.raises(Raised) as raised:
        read(inside, job, "a,b\n1,2\nsecret,2,3\n")
    assert "secret" not in str(raised.value)


def test_parts_with_different_columns_are_refused(inside, job):
    job.data("a,b\n1,2\n", "parts/1.csv")
    job.data("a,c\n1,2\n", "parts/2.csv")
    with pytest.raises(Raised) as raised:
        inside("table", str(job.folder / "parts"))
    assert raised.value.codes == ["MG505"]


def test_a_folder_without_data_says_what_it_holds(inside, job):
    job.data("x", "parts/readme.md")
    with pytest.raises(Raised, match=r"readme\.md"):
        inside("table", str(job.folder / "parts"))


def test_the_digest_of_a_file_is_that_of_its_bytes(inside, job):
    path = job.data("a\n1\n")
    assert inside("jobs.data.digest", {"$": ["path", str(path)]}) == hashlib.sha256(b"a\n1\n").hexdigest()
