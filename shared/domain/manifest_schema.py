"""The manifest's JSON Schema, from the same fields that reading follows."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, get_args

from shared.domain.manifest import Manifest
from shared.domain.reading import hints

_TYPES: Mapping[Any, dict[str, Any]] = {
    str: {"type": ["string", "number"]},  # YAML reads 3.11 as a number; it is taken as it is written
    float: {"type": "number"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}
_RULES = {"least": "minimum", "above": "exclusiveMinimum", "below": "exclusiveMaximum"}


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. What it accepts is well-formed; limits of the site and the bundle's files are checked by `modelgate check`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "modelgate manifest.yml",
        **_of_dataclass(Manifest, needed=()),
    }


def _of_dataclass(cls: Any, needed: tuple[str, ...] | None = None) -> dict[str, Any]:
    fields = dataclasses.fields(cls)
    required = needed if needed is not None else tuple(each.name for each in fields if _needed(each))
    return {
        "description": cls.__doc__,
        "type": "object",
        "properties": {each.name: _of_field(each, hints(cls)[each.name]) for each in fields},
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


def _needed(each: dataclasses.Field[Any]) -> bool:
    return each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING


def _of_field(each: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    schema = {**_of_type(hint), **_of_rules(each.metadata)}
    schema["description"] = each.metadata.get("doc") or schema.get("description", "")
    if isinstance(each.default, str | int | float | bool):
        schema["default"] = each.default
    return schema


def _of_type(hint: Any) -> dict[str, Any]:
    inner = get_args(hint)
    if isinstance(hint, types.UnionType):
        core = _of_type(next(each for each in inner if each is not type(None)))
        kinds = core["type"] if isinstance(core["type"], list) else [core["type"]]
        return {**core, "type": [*kinds, "null"]}
    if dataclasses.is_dataclass(hint):
        return _of_dataclass(hint)
    if inner[1:] == (Ellipsis,):
        return {"type": "array", "items": _of_type(inner[0])}
    return dict(_TYPES.get(hint, {"type": "object"}))


def _of_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    schema = {_RULES[name]: rule for name, rule in rules.items() if name in _RULES}
    if "choices" in rules:
        schema |= {"type": "string", "enum": list(rules["choices"])}
    if "pattern" in rules:
        schema["pattern"] = f"^({rules['pattern']})$"
    if "keys" in rules:
        schema |= {"properties": {key: {} for key in rules["keys"]}, "additionalProperties": False}
    return schema
