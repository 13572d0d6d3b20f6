"""The opcodes of a pickle, followed without doing what they say, in bounded memory and time.

A small stack of symbols is kept: enough to know which names are imported, however the pickle spells them, which texts
follow which, and how long the raw arrays are that joblib writes between the opcodes.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

MOST_OPCODES = 500_000
MOST_BYTES = 512 << 20
LONGEST_TEXT = 256  # bytes; longer ones are no module, name or version
LONGEST_LINE = 1 << 16
PIECE = 1 << 20
MOST_KEYS = 64
MOST_SHAPE = 32

_OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK, _SOMETHING = object(), object()
_ITEM = re.compile(r"[<>=|]?([a-zA-Z])(\d+)")


class NotAPickle(Exception):
    """What stands here is no opcode."""


class CutOff(Exception):
    """The bytes end before the pickle does."""


class TooMuch(Exception):
    """The limits of reading were met."""


@dataclass(frozen=True)
class Name:
    """Something that the pickle imports; `?` where it hides what."""

    module: str
    name: str


@dataclass
class Made:
    """The result of calling an imported name."""

    what: Any
    args: Any
    state: Any = None


@dataclass
class Found:
    """What was found in one or more pickles."""

    names: set[Name] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)  # of scikit-learn, as its estimators note it
    opcodes: int = 0


class Opcodes:
    """The bytes of a stream as opcodes and raw arguments."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._read = stream, 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises CutOff, TooMuch."""
        data = self._counted(self._stream.read(size))
        if len(data) < size:
            raise CutOff
        return data

    def skip(self, size: int) -> None:
        """Read over `size` bytes."""
        while size > 0:
            size -= len(self.take(min(size, PIECE)))

    def following(self) -> tuple[pickletools.OpcodeInfo, bytes | None]:
        """The next opcode and its argument; None for none, or for one too long to be of interest."""
        opcode = _OPCODES.get(self.take(1)[0])
        if opcode is None:
            raise NotAPickle
        return opcode, self._argument(opcode)

    def _argument(self, opcode: pickletools.OpcodeInfo) -> bytes | None:
        if opcode.arg is None:
            return None
        if opcode.arg.n == pickletools.UP_TO_NEWLINE:
            return self._line() + (b" " + self._line() if opcode.name in {"GLOBAL", "INST"} else b"")
        if opcode.arg.n >= 0:
            return self.take(opcode.arg.n)
        size = int.from_bytes(self.take(_LENGTHS[opcode.arg.n]), "little")
        if size <= LONGEST_TEXT:
            return self.take(size)
        self.skip(size)
        return None

    def _line(self) -> bytes:
        line = self._counted(self._stream.readline(LONGEST_LINE))
        if line.endswith(b"\n"):
            return line[:-1]
        raise NotAPickle if len(line) == LONGEST_LINE else CutOff

    def _counted(self, data: bytes) -> bytes:
        self._read += len(data)
        if self._read > MOST_BYTES:
            raise TooMuch
        return data


def follow_pickle(opcodes: Opcodes, found: Found) -> None:
    """Follow one pickle to its STOP. Raises NotAPickle, CutOff, TooMuch; what was found until then is in `found`."""
    symbols = Symbols(opcodes, found)
    while True:
        found.opcodes += 1
        if found.opcodes > MOST_OPCODES:
            raise TooMuch
        opcode, argument = opcodes.following()
        if opcode.name == "STOP":
            return
        symbols.step(opcode, argument)


class Symbols:
    """The stack and memo of a pickle, as far as they matter."""

    def __init__(self, opcodes: Opcodes, found: Found) -> None:
        self._opcodes, self._found = opcodes, found
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._last = ""

    def step(self, opcode: pickletools.OpcodeInfo, argument: bytes | None) -> None:
        """Do to the stack what the opcode would."""
        special = _SPECIAL.get(opcode.name)
        if opcode.name in _VALUES:
            self._stack.append(_VALUES[opcode.name])
        elif opcode.name in _TUPLES:
            self._stack.append(tuple(self._pop(_TUPLES[opcode.name])))
        elif special is not None:
            special(self, argument or b"")
        else:
            self._other(opcode)

    def _other(self, opcode: pickletools.OpcodeInfo) -> None:
        """As many symbols off and on the stack as the opcode's description says."""
        takes = opcode.stack_before
        if pickletools.markobject in takes:
            self._to_mark()
            takes = takes[: takes.index(pickletools.markobject)]
        self._pop(len(takes))
        self._stack += [_SOMETHING] * len(opcode.stack_after)

    def _pop(self, count: int) -> list[Any]:
        taken = self._stack[-count:] if count else []
        del self._stack[len(self._stack) - len(taken) :]
        return taken

    def _to_mark(self) -> list[Any]:
        at = next((n for n in range(len(self._stack) - 1, -1, -1) if self._stack[n] is _MARK), -1)
        taken = self._stack[at + 1 :]
        del self._stack[max(at, 0) :]
        return taken

    def _top(self) -> Any:
        return self._stack[-1] if self._stack else None

    # texts and numbers

    def text(self, argument: bytes) -> None:
        """A text; scikit-learn notes its version behind a key of a known name."""
        self._push_text(argument.decode("utf-8", "replace").strip("'\""))

    def _push_text(self, text: str) -> None:
        if self._last == "_sklearn_version" and re.fullmatch(r"\d[\w.+]*", text):
            self._found.versions.add(text)
        self._last = text
        self._stack.append(text)

    def integer(self, argument: bytes) -> None:
        """A number in bytes, low ones first."""
        self._stack.append(int.from_bytes(argument, "little", signed=len(argument) > 2))  # noqa: PLR2004 (shorter ones have no sign)

    def integer_line(self, argument: bytes) -> None:
        """A number in digits."""
        digits = argument.rstrip(b"L")
        self._stack.append(int(digits) if digits.isdigit() and len(digits) <= MOST_SHAPE else _SOMETHING)

    # names

    def name(self, argument: bytes) -> None:
        """`module name`."""
        module, _, name = argument.decode("utf-8", "replace").partition(" ")
        self._push_name(module, name)

    def name_of_instance(self, argument: bytes) -> None:
        """Old classes: the arguments lie above the mark."""
        self._to_mark()
        self.name(argument)

    def name_on_stack(self, _: bytes) -> None:
        """Module and name are the two texts on top."""
        taken = self._pop(2)
        texts = [each if isinstance(each, str) else "?" for each in taken]
        self._push_name(*texts) if len(texts) > 1 else self._push_name("?", "?")

    def _push_name(self, module: str, name: str) -> None:
        found = Name(module, name)
        self._found.names.add(found)
        self._stack.append(found)

    # memo

    def memoize(self, _: bytes) -> None:
        """Remember the top under the next number."""
        self._memo[len(self._memo)] = self._top()

    def put(self, argument: bytes) -> None:
        """Remember the top under a number in bytes."""
        self._memo[int.from_bytes(argument, "little")] = self._top()

    def put_line(self, argument: bytes) -> None:
        """Remember the top under a number in digits."""
        self._memo[_digits(argument)] = self._top()

    def get(self, argument: bytes) -> None:
        """What is remembered under a number in bytes."""
        self._push(self._memo.get(int.from_bytes(argument, "little"), _SOMETHING))

    def get_line(self, argument: bytes) -> None:
        """What is remembered under a number in digits."""
        self._push(self._memo.get(_digits(argument), _SOMETHING))

    def _push(self, value: Any) -> None:
        if isinstance(value, str):
            self._push_text(value)
        else:
            self._stack.append(value)

    # containers and calls

    def mark(self, _: bytes) -> None:
        """A mark on the stack."""
        self._stack.append(_MARK)

    def tuple_of(self, _: bytes) -> None:
        """What lies above the mark, as a tuple (a long one is of no interest)."""
        taken = self._to_mark()
        self._stack.append(tuple(taken) if len(taken) <= MOST_SHAPE else _SOMETHING)

    def empty_dict(self, _: bytes) -> None:
        """A new dict."""
        self._stack.append({})

    def dict_of(self, _: bytes) -> None:
        """A dict of what lies above the mark."""
        taken = self._to_mark()
        self._stack.append({})
        self._fill(taken)

    def set_item(self, _: bytes) -> None:
        """One key and value into the dict below."""
        self._fill(self._pop(2))

    def set_items(self, _: bytes) -> None:
        """Keys and values into the dict below the mark."""
        self._fill(self._to_mark())

    def _fill(self, taken: list[Any]) -> None:
        target = self._top()
        if isinstance(target, dict):
            for key, value in zip(taken[::2], taken[1::2], strict=False):
                if isinstance(key, str) and len(target) < MOST_KEYS:
                    target[key] = value

    def double(self, _: bytes) -> None:
        """The top once more."""
        self._stack.append(self._top())

    def call(self, _: bytes) -> None:
        """A name called with a tuple."""
        taken = self._pop(2)
        self._stack.append(Made(*taken) if len(taken) > 1 and isinstance(taken[0], Name) else _SOMETHING)

    def build(self, _: bytes) -> None:
        """A state given to what lies below it; behind joblib's wrapper of an array its bytes follow."""
        state = (self._pop(1) or [None])[0]
        top = self._top()
        if isinstance(top, Made) and top.what.name == "NumpyArrayWrapper" and isinstance(state, dict):
            self._array(state)

    def _array(self, state: dict[str, Any]) -> None:
        size, kind = _item(state.get("dtype"))
        shape = state.get("shape")
        if size is None or not isinstance(shape, tuple) or not all(isinstance(each, int) and each >= 0 for each in shape):
            raise TooMuch
        if kind == "O":
            follow_pickle(self._opcodes, self._found)
            return
        if isinstance(state.get("numpy_array_alignment_bytes"), int):
            self._opcodes.skip(self._opcodes.take(1)[0])
        self._opcodes.skip(size * math.prod(shape))


def _digits(line: bytes) -> int:
    return int(line) if line.isdigit() and len(line) <= MOST_SHAPE else -1


def _item(dtype: Any) -> tuple[int | None, str]:
    """Bytes of one item of an array, and its kind: numpy's `f8`, `U5`, `O8`."""
    spelt = dtype.args[0] if isinstance(dtype, Made) and isinstance(dtype.args, tuple) and dtype.args else None
    match = _ITEM.fullmatch(spelt) if isinstance(spelt, str) and len(spelt) <= MOST_SHAPE else None
    if match is None:
        return None, ""
    return int(match[2]) * (4 if match[1] == "U" else 1), match[1]


def _special() -> dict[str, Callable[[Symbols, bytes], None]]:
    table = {
        Symbols.text: "SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINSTRING BINSTRING UNICODE STRING",
        Symbols.integer: "BININT BININT1 BININT2 LONG1 LONG4",
        Symbols.integer_line: "INT LONG",
        Symbols.name: "GLOBAL",
        Symbols.name_of_instance: "INST",
        Symbols.name_on_stack: "STACK_GLOBAL",
        Symbols.memoize: "MEMOIZE",
        Symbols.put: "BINPUT LONG_BINPUT",
        Symbols.put_line: "PUT",
        Symbols.get: "BINGET LONG_BINGET",
        Symbols.get_line: "GET",
        Symbols.mark: "MARK",
        Symbols.tuple_of: "TUPLE",
        Symbols.empty_dict: "EMPTY_DICT",
        Symbols.dict_of: "DICT",
        Symbols.set_item: "SETITEM",
        Symbols.set_items: "SETITEMS",
        Symbols.double: "DUP",
        Symbols.call: "REDUCE NEWOBJ",
        Symbols.build: "BUILD",
    }
    return {name: method for method, names in table.items() for name in names.split()}


_SPECIAL = _special()
