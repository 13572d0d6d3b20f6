"""From what a manifest says to a whole manifest: site defaults under it, `--set` over it, and every fault told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.domain.faults import Fault
from shared.domain.kpi_rules import settle
from shared.domain.manifest import Manifest, SiteDefaults
from shared.domain.metrics import METRICS
from shared.domain.overrides import override
from shared.domain.reading import Reader, Source

LONGEST_NAME = 63
LONGEST_ADDRESS, LONGEST_LOCAL = 254, 64  # RFC 5321


def build_manifest(
    given: Mapping[str, Any],
    site: SiteDefaults,
    *,
    drop_name: str,
    submitter: str | None = None,
    overrides: Sequence[str] = (),
    source: Source | None = None,
) -> tuple[Manifest, tuple[Fault, ...]]:
    """The effective manifest. `submitter` is the drop's own (blob metadata): it gives way to the manifest's and goes before the site's."""
    values, source, faults = override(given, overrides, site, source or Source())
    reader = Reader(source)
    manifest = reader.dataclass(Manifest, values, _defaults(site, submitter)) or _defaults(site, submitter)
    manifest = replace(manifest, name=_name(manifest.name, drop_name, reader), kpis=settle(manifest.kpis, site.kpis, reader))
    manifest = _task(manifest, values, site, reader)
    _later(manifest, reader)
    _who(manifest.submitter, site, reader)
    return manifest, (*faults, *reader.faults)


def _defaults(site: SiteDefaults, submitter: str | None) -> Manifest:
    return Manifest(
        name="",
        submitter=submitter or site.submitter,
        data=site.data,
        compute=site.compute,
        request=site.request,
        script=site.script,
        tolerance=site.tolerance,
    )


def _name(given: str, drop_name: str, reader: Reader) -> str:
    """The name as every registry takes it; told when it had to be changed."""
    wanted = given or drop_name
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", wanted).lstrip("-_")[:LONGEST_NAME].rstrip("-")
    rule = "letters, digits, - and _, at most 63, a letter or digit first"
    if not name:
        reader.tell("MG158", ("name",), f"no name can be made of {wanted[:80]!r}", f"Add `name: my-model` to manifest.yml ({rule}).")
        return "model"
    if name != wanted:
        reader.tell("MG157", ("name",), f"the name {wanted[:80]!r} became {name}", f"Names are {rule}.", severity="warning")
    return name


def _task(manifest: Manifest, values: Mapping[str, Any], site: SiteDefaults, reader: Reader) -> Manifest:
    """Where nobody says the task but all KPIs on labels belong to one, it is that one."""
    data = values.get("data")
    said = site.data.task != "custom" or (isinstance(data, Mapping) and data.get("task") is not None)
    tasks = {METRICS[kpi.metric].task for kpi in manifest.kpis if kpi.metric in METRICS} - {"operations"}
    if said or len(tasks) != 1:
        return manifest
    task = tasks.pop()
    reader.tell(
        "MG195",
        ("data",),
        f"the task is taken to be {task}, from the KPIs",
        f"Say so in manifest.yml: data: {{task: {task}}}",
        severity="info",
    )
    return replace(manifest, data=replace(manifest.data, task=task))


def _later(manifest: Manifest, reader: Reader) -> None:
    for key in ("cost_matrix", "profile", "promotion"):
        if getattr(manifest, key):
            reader.tell("MG159", (key,), f"{key} is kept, but nothing is done with it yet", "Nothing to do.", severity="info")


def _who(submitter: str | None, site: SiteDefaults, reader: Reader) -> None:
    place = ("submitter",)
    if submitter is None:
        reader.tell(
            "MG154", place, "no submitter is named: nobody would get the mail", "Add `submitter: you@example.com`.", severity="warning"
        )
    elif not is_address(submitter):
        reader.tell("MG155", place, f"the submitter {submitter[:80]!r} is not one e-mail address", "Write `submitter: ana@example.com`.")
    elif site.mail_domains and submitter.rpartition("@")[2].lower() not in {domain.lower().lstrip("@") for domain in site.mail_domains}:
        allowed = ", ".join(site.mail_domains)
        reader.tell(
            "MG156", place, f"mail may not go to {submitter}", f"Use an address of {allowed}, or ask the operator to allow this domain."
        )


_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def is_address(text: str) -> bool:
    """Whether this is exactly one plain e-mail address: no display name, no quotes, nothing that could start another header."""
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text) <= LONGEST_ADDRESS
        and len(local) <= LONGEST_LOCAL
        and _LOCAL.fullmatch(local) is not None
        and (len(labels) > 1 or domain == "localhost")
        and all(_LABEL.fullmatch(label) for label in labels)
    )
