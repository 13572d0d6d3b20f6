"""Settings: the only reader of environment variables. Every name stands in `local.settings.sample.json`, held by a test."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.errors import Permanent
from shared.domain.manifest import Compute, DataSpec, Kpi, Limits, SiteDefaults
from shared.domain.policy import DEADLINES, Policy

PREFIX = "MODELGATE_"
DEFAULTS: Mapping[str, str] = {
    "PLATFORM": "laptop",
    "HOME": ".modelgate",
    "URL": "http://127.0.0.1:7071",
    "ENVIRONMENTS": "",
    "SENDER": "modelgate@localhost",
    "SUBMITTER": "",
    "MAIL_DOMAINS": "",
    "DECIDERS": "",
    "TIMEZONE": "",
    "SMTP": "",
    "KPIS": "[]",
    "DATA": "{}",
    "COMPUTE": "{}",
    "LIMITS": "{}",
    "DEADLINE_MINUTES": "{}",
    "QUIET_PERIOD_SECONDS": "30",
    "ENDPOINT_TTL_SECONDS": "0",
    "TRIES": "6",
    "BUILD_MINUTES": "40",
    "BUILD_BYTES": "8000000000",
    "RESOLVE_DAYS": "7",
    "MOST_SERVERS": "0",
    "BATCH_ROWS": "0",
    "CONCURRENCY": "2",
    "LOG_LEVEL": "INFO",
}


@dataclass(frozen=True)
class Settings:
    """What a site chose. `home` and `environments` matter on the laptop only; 0 for `most_servers` or `batch_rows`: chosen."""

    platform: str
    home: Path
    environments: Path | None
    smtp: str | None
    site: SiteDefaults
    policy: Policy
    build_limit: timedelta
    build_bytes: int
    resolve_for: timedelta
    most_servers: int
    batch_rows: int
    concurrency: int
    log_level: str


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. A value that makes no sense raises Permanent with the variable's name and what it should look like."""
    given = os.environ if environment is None else environment
    raw = {name: given.get(PREFIX + name, default) for name, default in DEFAULTS.items()}
    return Settings(
        platform=_one_of("PLATFORM", raw, ("laptop", "azure")),
        home=Path(raw["HOME"]).expanduser().absolute(),
        environments=Path(raw["ENVIRONMENTS"]).expanduser().absolute() if raw["ENVIRONMENTS"] else None,
        smtp=raw["SMTP"] or None,
        site=_site(raw),
        policy=_policy(raw),
        build_limit=timedelta(minutes=_number("BUILD_MINUTES", raw)),
        build_bytes=int(_number("BUILD_BYTES", raw)),
        resolve_for=timedelta(days=_number("RESOLVE_DAYS", raw)),
        most_servers=int(_number("MOST_SERVERS", raw)),
        batch_rows=int(_number("BATCH_ROWS", raw)),
        concurrency=int(_number("CONCURRENCY", raw)),
        log_level=_one_of("LOG_LEVEL", raw, ("DEBUG", "INFO", "WARNING", "ERROR")),
    )


def _site(raw: Mapping[str, str]) -> SiteDefaults:
    return SiteDefaults(
        submitter=raw["SUBMITTER"] or _person_here(raw),
        mail_domains=_words(raw["MAIL_DOMAINS"].lower()),
        kpis=tuple(_made("KPIS", Kpi, kpi) for kpi in _json("KPIS", raw, list)),
        data=_made("DATA", DataSpec, _json("DATA", raw, dict)),
        compute=_made("COMPUTE", Compute, _json("COMPUTE", raw, dict)),
        limits=_made("LIMITS", Limits, _json("LIMITS", raw, dict)),
    )


def _person_here(raw: Mapping[str, str]) -> str | None:
    """On a laptop whose mail may go anywhere, drops without a submitter are those of the person at the keyboard."""
    return f"{getpass.getuser()}@localhost" if raw["PLATFORM"] == "laptop" and not raw["MAIL_DOMAINS"] else None


def _policy(raw: Mapping[str, str]) -> Policy:
    minutes = _json("DEADLINE_MINUTES", raw, dict)
    unknown = sorted(set(minutes) - {stage.value for stage in DEADLINES})
    if unknown:
        raise Permanent(
            f"{PREFIX}DEADLINE_MINUTES names no stage: {', '.join(unknown)}. Stages: {', '.join(stage.value for stage in DEADLINES)}."
        )
    deadlines = {
        stage: timedelta(minutes=float(minutes[stage.value])) if stage.value in minutes else span for stage, span in DEADLINES.items()
    }
    return replace(
        Policy(),
        deadlines=deadlines,
        quiet_period=timedelta(seconds=_number("QUIET_PERIOD_SECONDS", raw)),
        endpoint_ttl=timedelta(seconds=_number("ENDPOINT_TTL_SECONDS", raw)),
        tries=max(1, int(_number("TRIES", raw))),
        sender=raw["SENDER"],
        base_url=raw["URL"].rstrip("/"),
        zone=_zone(raw),
        deciders=_words(raw["DECIDERS"].lower()),
    )


def _zone(raw: Mapping[str, str]) -> tzinfo | None:
    """The zone named, else the machine's own."""
    if not raw["TIMEZONE"]:
        return datetime.now().astimezone().tzinfo
    try:
        return ZoneInfo(raw["TIMEZONE"])
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Permanent(f"{PREFIX}TIMEZONE is {raw['TIMEZONE']!r}; it must be a zone's name, for example Europe/Berlin.") from error


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _one_of(name: str, raw: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    if raw[name] not in allowed:
        raise Permanent(f"{PREFIX}{name} is {raw[name]!r}; it must be one of {', '.join(allowed)}.")
    return raw[name]


def _number(name: str, raw: Mapping[str, str]) -> float:
    try:
        value = float(raw[name])
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Permanent(f"{PREFIX}{name} is {raw[name]!r}; it must be a number, 0 or more, for example {DEFAULTS[name]}.")
    return value


def _json(name: str, raw: Mapping[str, str], kind: type) -> Any:
    try:
        value = json.loads(raw[name] or DEFAULTS[name])
    except ValueError as error:
        raise Permanent(f"{PREFIX}{name} is not JSON: {error}.") from error
    if not isinstance(value, kind):
        raise Permanent(f"{PREFIX}{name} must be a JSON {'list' if kind is list else 'object'}, for example {DEFAULTS[name]}.")
    return value


def _made(name: str, kind: type[Any], values: Any) -> Any:
    known = [field.name for field in fields(kind)]
    if not isinstance(values, dict) or (unknown := sorted(set(values) - set(known))):
        wrong = f"does not know {', '.join(unknown)}" if isinstance(values, dict) else "must hold objects"
        raise Permanent(f"{PREFIX}{name} {wrong}; keys: {', '.join(known)}.")
    return kind(**values)
