"""The plain-text part of a mail: short lines for a phone, commands on lines of their own."""

from __future__ import annotations

import textwrap

from shared.wire.rows import Row

WIDTH = 72


def plain_text(rows: Row) -> str:
    """The rows of `release_rows`, with `received attached sent faults_title short_of_azure`, as text. Ends in a line end."""
    blocks = [
        [
            f"{rows['label'].upper()}: {rows['headline']}",
            *_wrapped(rows["summary"]),
            *(line for reason in rows["reasons"] for line in _wrapped(reason)),
        ],
        _named("What was received", [f"{name}: {value}" for name, value in rows["received"]]),
        _named("KPIs", [line for kpi in rows["kpis"][:40] for line in _kpi(kpi)]),
        _named(rows["faults_title"], [line for fault in rows["faults"] for line in _fault(fault)][1:] + _more(rows)),
        _named("What was not checked", [line for item in rows["not_checked"] for line in _wrapped(item, "- ")]),
        [*_wrapped(rows["next"]["sentence"]), *(f"    {command}" for command in rows["next"]["commands"])],
        _wrapped(rows["short_of_azure"]),
        [f"{name}: {value}" for name, value in rows["facts"]],
        [
            *(["The whole report is attached: one file, reads offline."] if rows["attached"] else []),
            f"Page: {rows['page']}",
            f"Release {rows['id']} · sent {rows['sent']}",
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def faults_title(rows: Row) -> str:
    """What the list of faults is called."""
    if all(fault["severity"] != "error" for fault in rows["faults"]):
        return "Warnings"
    return "What broke" if rows["tone"] == "error" else "What to mend, worst first"


def _named(name: str, lines: list[str]) -> list[str]:
    return [name.upper(), *lines] if lines else []


def _kpi(kpi: Row) -> list[str]:
    head = f"[{kpi['mark']}] {kpi['name']} {kpi['value']}, limit {kpi['rule']}"
    return [head, *(line for note in kpi["notes"] for line in _wrapped(note, "    "))]


def _fault(fault: Row) -> list[str]:
    place = f" ({fault['place']})" if fault["place"] else ""
    severity = "" if fault["severity"] == "error" else f" {fault['severity']}"
    lines = ["", *_wrapped(f"{fault['code']}{severity}{place}: {fault['message']}", "- ")]
    lines += [f"    | {line}" for line in fault["detail"].split("\n") if fault["detail"]]
    return lines + (_wrapped(f"Fix: {fault['fix']}", "  ") if fault["fix"] else [])


def _more(rows: Row) -> list[str]:
    return [f"And {rows['more_faults']} more; modelgate status {rows['id']} --json has all of them."] if rows["more_faults"] else []


def _wrapped(text: str, first: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False, break_on_hyphens=False
    )
