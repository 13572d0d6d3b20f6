"""Archives as people pack them, and as somebody hostile would."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from shared.domain.manifest import Limits
from shared.inspection.archives import unpack

KIB, MIB = 1 << 10, 1 << 20


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tarred_entry(**fields: object) -> bytes:
    """A tar.gz with one ordinary file and one strange entry."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("score.py"))
        info = tarfile.TarInfo("evil")
        for key, value in fields.items():
            setattr(info, key, value)
        archive.addfile(info)
    return out.getvalue()


@pytest.fixture
def taken(tmp_path: Path):
    """Unpack; the codes of the faults and the files that are there afterwards."""

    def unpacked(content: bytes, **limits: int) -> tuple[list[str], dict[str, bytes]]:
        into = tmp_path / "into"
        faults = unpack(io.BytesIO(content), "drop.zip", into, Limits(**limits))
        assert all(fault.message and fault.fix and fault.file for fault in faults)
        return [fault.code for fault in faults], {
            str(path.relative_to(into)): path.read_bytes() for path in into.rglob("*") if path.is_file()
        }

    return unpacked


FILES = {"score.py": b"x", "model/model.pkl": b"model" * 100, "größe.txt": "ä".encode()}


@pytest.mark.parametrize(
    "pack", [zipped, tarred, lambda files: tarred(files, tarfile.GNU_FORMAT), lambda files: tarred(files, tarfile.USTAR_FORMAT)]
)
def test_every_file_arrives_as_it_was(taken, pack):
    assert taken(pack(FILES)) == ([], FILES)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_single_top_level_folder_is_stripped(taken, pack):
    assert taken(pack({f"my bundle/{path}": content for path, content in FILES.items()})) == ([], FILES)


def test_only_one_folder_is_stripped_even_when_the_next_has_its_name(taken):
    assert taken(zipped({"model/model/a": b"1", "model/b": b"2"}))[1] == {"model/a": b"1", "b": b"2"}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_junk_does_not_keep_a_folder_from_being_stripped(taken, pack):
    assert taken(pack({"b/score.py": b"x", "__MACOSX/b/._score.py": b"y", "b/.DS_Store": b"z", "b/__pycache__/a.pyc": b"c"})) == (
        [],
        {"score.py": b"x"},
    )


@pytest.mark.parametrize("pack", [tarred, lambda files: tarred(files, tarfile.GNU_FORMAT)])
def test_long_names_in_a_tar_are_read(taken, pack):
    name = "/".join(["a" * 60] * 5) + "/x"
    assert taken(pack({name: b"1", "y": b"2"}))[1] == {name: b"1", "y": b"2"}


def test_a_leading_dot_in_names_is_nothing(taken):
    assert taken(tarred({"./score.py": b"x", "./a//b": b"y"}))[1] == {"score.py": b"x", "a/b": b"y"}


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:/x", "c:x", "a\\b", "..", "\\\\server\\x"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_paths_out_of_the_bundle_are_refused(taken, tmp_path, pack, name):
    assert taken(pack({"score.py": b"x", name: b"y"})) == (["MG108"], {})
    assert list(tmp_path.iterdir()) == [tmp_path / "into"]


@pytest.mark.parametrize("name", ["a\x07b", "a\u202eb", "a\u200bb", "a\nb", "\x1b[2Jx"])
def test_names_that_cannot_be_seen_are_refused_and_spelt_out(tmp_path, name):
    (fault,) = unpack(io.BytesIO(zipped({name: b"x"})), "drop.zip", tmp_path / "into", Limits())
    assert fault.code == "MG112"
    assert fault.message.isprintable()


def test_a_name_that_is_not_utf_8_is_refused(taken):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("größe"))
    assert taken(out.getvalue()) == (["MG112"], {})


@pytest.mark.parametrize("name", ["x" * 256, "/".join(["y" * 200] * 6), "/".join("abcdefghijklmnopqrstu")])
def test_too_long_and_too_deep_names_are_refused(taken, name):
    assert taken(zipped({name: b"x"})) == (["MG107"], {})


@pytest.mark.parametrize(
    "names",
    [("a", "A"), ("Model/x", "model/y"), ("caf\u00e9", "cafe\u0301"), ("a", "a/b"), ("a/b", "a"), ("straße", "STRASSE"), ("x", "./x")],
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_are_one_on_some_machines_are_refused(taken, pack, names):
    assert taken(pack(dict.fromkeys(names, b"x"))) == (["MG110"], {})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(taken):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    assert taken(out.getvalue()) == (["MG110"], {})


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_refused(taken, kind):
    assert taken(tarred_entry(type=kind, linkname="/etc/passwd")) == (["MG109"], {})


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_in_a_tar_are_refused(taken, kind):
    assert taken(tarred_entry(type=kind)) == (["MG109"], {})


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(taken, mode):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("evil")
        info.external_attr = (mode | 0o644) << 16
        archive.writestr(info, "/etc/passwd")
    assert taken(out.getvalue()) == (["MG109"], {})


def test_an_encrypted_member_is_refused(taken):
    content = bytearray(zipped({"a": b"x" * 100}))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    assert taken(bytes(content)) == (["MG111"], {})


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_without_a_bound_on_memory_is_refused(taken, how):
    assert taken(zipped({"a": b"x" * 100}, how)) == (["MG114"], {})


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_a_cut_off_archive_is_refused(taken, pack, part):
    whole = pack({"a": bytes(range(256)) * 40, "b": b"y" * 2000})
    assert taken(whole[: int(len(whole) * part)]) == (["MG102"], {})


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_changed_byte_of_content_is_noticed(taken, pack):
    content = bytes((n * n + n // 7) % 251 for n in range(20_000))
    whole = bytearray(pack({"a": content}))
    whole[len(whole) // 2] ^= 0xFF
    assert taken(bytes(whole)) == (["MG102"], {})


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\x80\x04K\x01.", "pickle"),
        (b"hello", "something else"),
        (b"<html>", "web page"),
    ],
)
def test_what_is_no_archive_is_told_for_what_it_is(tmp_path, content, what):
    (fault,) = unpack(io.BytesIO(content), "bundle.rar", tmp_path / "into", Limits())
    assert fault.code == "MG101"
    assert what in fault.message


def test_an_archive_is_known_by_its_content_not_its_name(tmp_path):
    assert unpack(io.BytesIO(tarred(FILES)), "bundle.zip", tmp_path / "into", Limits()) == ()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_of_nothing_but_junk_holds_no_file(taken, pack):
    assert taken(pack({"__MACOSX/._a": b"x", ".DS_Store": b"y"})) == (["MG113"], {})


def test_a_too_large_archive_is_not_looked_into(taken):
    assert taken(zipped({"a": bytes(range(256)) * 8}), archive=100) == (["MG103"], {})


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_unpacked_size_is_counted(taken, pack):
    assert taken(pack({"a": b"x" * 2000, "b": b"y" * 2000}), unpacked=3000) == (["MG104"], {})


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_files_are_counted(taken, pack):
    assert taken(pack({f"{n}": b"x" for n in range(30)}), files=20) == (["MG105"], {})


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_is_stopped_by_its_ratio(taken, pack):
    assert taken(pack({"a": bytes(30 * MIB)})) == (["MG106"], {})


def test_junk_counts_as_well(taken):
    assert taken(tarred({"a": b"x", "__MACOSX/b": bytes(30 * MIB)})) == (["MG106"], {})


def test_a_header_that_claims_less_than_there_is_does_not_help(taken):
    content = bytearray(zipped({"a": b"x" * 100_000}))
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = struct.pack("<I", 10)
    assert taken(bytes(content), unpacked=50_000) == (["MG102"], {})


def test_members_that_share_their_bytes_are_counted_each_time(taken):
    """Many entries of the list that point at one compressed member."""
    single = zipped({"a": bytes(MIB)})
    start = single.index(b"PK\1\2")
    end = single.index(b"PK\5\6")
    entry = single[start:end]
    entries = b"".join(entry.replace(b"a", bytes([97 + n]), 1) if n else entry for n in range(20))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 20, 20, len(entries), start, 0)
    codes, left = taken(single[:start] + entries + tail)
    assert codes
    assert set(codes) <= {"MG102", "MG106"}
    assert left == {}


def test_a_list_of_files_of_any_size_is_not_read_whole(taken):
    """The end of the archive claims a list of a gigabyte; only as much as a bundle needs is asked for."""
    single = zipped({"a": b"x"})
    start, end = single.index(b"PK\1\2"), single.index(b"PK\5\6")
    entries = single[start:end] * 200_000
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(entries), start, 0)
    assert taken(single[:start] + entries + tail, files=1000) == (["MG102"], {})


def test_a_tar_header_with_a_name_of_a_gigabyte_is_not_read(taken):
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)[:512])
    header[156:157] = b"L"
    header[124:136] = b"%011o\0" % (1 << 30)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert taken(gzip.compress(bytes(header) + bytes(64 * KIB))) == (["MG102"], {})


def test_faults_of_many_files_come_together(taken):
    codes, left = taken(zipped({"score.py": b"x", "../a": b"y", "b\u202e": b"z", "C": b"1", "c": b"2"}))
    assert sorted(codes) == ["MG108", "MG110", "MG112"]
    assert left == {}


def test_what_was_there_before_stays_when_unpacking_fails(tmp_path):
    (tmp_path / "mine").write_text("x")
    assert unpack(io.BytesIO(b"nothing"), "a.zip", tmp_path, Limits())
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_limits_are_what_is_still_allowed(taken):
    content = zipped({"a": b"x" * 100, "b": b"y" * 100}, zipfile.ZIP_STORED)
    assert taken(content, archive=len(content), unpacked=200, files=2)[0] == []
