from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from shared.domain.faults import Fault
from shared.domain.release import Decision, Scores, Stage, Verdict
from shared.wire.mail import HTML_MOST, REPORT_MOST, address, compose
from shared.wire.mime import mime_message
from tests.wire import samples as s

SENDER = "modelgate <gate@example.com>"
REPORT = b"<!doctype html><p>report</p>"


def mail(release, kind, **options):
    return compose(
        release, kind, **{"sender": SENDER, "report": REPORT, "at": release.updated_at, "local_zone": ZoneInfo("Europe/Berlin")} | options
    )


def of(name, **options):
    return mail(*s.MAILS[name], **options)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("received", "[RECEIVED] diabetes · 6 files, 14.2 kB"),
        ("passed", "[PASSED] diabetes 3 · r2 0.46 (limit 0.40)"),
        ("failed", "[FAILED] diabetes 4 · r2 0.31 (limit 0.40) (+2 more)"),
        ("inconclusive", "[INCONCLUSIVE] diabetes 5 · rmse 54.0 (limit 55.0)"),
        ("invalid", "[INVALID] diabetes · MG161 no run() in score.py (+2 more)"),
        ("expired", "[EXPIRED] diabetes · too long in collecting"),
        ("cancelled", "[CANCELLED] diabetes 3 · cancelled by ana@example.com: wrong data"),
        ("duplicate", "[DUPLICATE] diabetes · same as rk4w7zq2m5h6t3xa (passed)"),
    ],
)
def test_the_subject_carries_the_answer(name, subject):
    assert of(name).subject == subject


def test_an_error_of_ours_says_so_in_the_subject():
    assert of("error").subject.startswith("[ERROR] diabetes 3 · ours, not yours: MG902 ")


def test_a_metric_without_a_value_says_so_in_the_subject():
    missing = replace(s.FAILED, kpis=s.FAILED.kpis[3:])
    assert mail(missing, "verdict").subject == "[FAILED] diabetes 4 · f1_macr has no value (limit 0.50)"


def test_a_release_without_kpis_says_so():
    assert mail(replace(s.FAILED, kpis=()), "verdict").subject == "[FAILED] diabetes 4 · no KPI to hold it against"


def test_a_rejection_says_that_the_model_works_and_by_how_much_it_misses():
    text = " ".join(of("failed").text.split())
    assert "Your model works, but r2 is 0.31, 0.09 below its limit of 0.40; rmse is 63.2, 3.2 above its limit of 60.0" in text


def test_a_rejection_is_not_coloured_like_a_crash():
    colours = {name: re.search(r"background:(#[0-9a-f]{6})", of(name).html)[1] for name in ("passed", "failed", "invalid", "error")}
    assert len(set(colours.values())) == 4


def test_a_system_error_says_whose_it_is():
    assert "you need not change anything" in " ".join(of("error").text.split())


@pytest.mark.parametrize("part", ["text", "html"])
def test_every_fault_is_there_with_code_place_cause_and_fix(part):
    body = getattr(of("invalid"), part)
    for fault in s.INVALID.faults:
        assert fault.code in body
        assert fault.file in body
    assert "manifest.yml:7" in body
    assert "Add `def run(raw_data):`" in of("invalid").text


def test_faults_come_worst_first():
    text = mail(replace(s.INVALID, faults=s.INVALID.faults[::-1]), "fault").text
    assert text.index("MG163") < text.index("MG144") < text.index("MG161") < text.index("MG212") < text.index("MG183")


def test_what_was_not_checked_is_said():
    assert "The environment was not built" in of("invalid").text
    assert "The environment was not built" not in of("failed").text


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("received", "modelgate status rk4w7zq2m5h6t3xa --watch"),
        ("passed", "modelgate report rk4w7zq2m5h6t3xa"),
        ("failed", "modelgate submit diabetes --watch"),
        ("inconclusive", 'modelgate decide rk4w7zq2m5h6t3xa pass --reason "…" --as you@example.com'),
        ("invalid", "modelgate check diabetes"),
        ("error", "modelgate retry rk4w7zq2m5h6t3xa"),
        ("duplicate", "modelgate submit diabetes --force --watch"),
    ],
)
def test_the_next_step_is_a_command_on_a_line_of_its_own(name, command):
    assert f"\n    {command}\n" in of(name).text


def test_commands_name_the_server_where_it_is_not_the_usual_one():
    assert "modelgate report rk4w7zq2m5h6t3xa --url https://gate.example.com\n" in of("passed", base_url="https://gate.example.com").text


def test_a_name_cannot_smuggle_a_command_into_what_people_copy():
    body = mail(replace(s.FAILED, name="x; rm -rf ~"), "verdict").text
    assert "modelgate check 'x; rm -rf ~'" in body


def test_times_are_utc_and_local():
    assert "20 Nov 2026 14:02 UTC (15:02 CET)" in of("passed").text


def test_the_report_is_attached():
    (attached,) = of("passed").attachments
    assert (attached.name, attached.content_type, attached.content) == ("diabetes-3-report.html", "text/html", REPORT)


@pytest.mark.parametrize("report", [None, b"x" * (REPORT_MOST + 1)])
def test_no_report_is_promised_that_is_not_attached(report):
    one = of("passed", report=report)
    assert one.attachments == ()
    assert "attached" not in one.text + one.html


def test_the_receipt_says_what_was_received_and_what_is_missing():
    text = mail(replace(s.RECEIVED, bundle=replace(s.bundle(kpis=()), data=None)), "receipt").text
    assert "Model: model.pkl" in text
    assert "KPIs: none: without a KPI nothing passes" in text


def test_the_receipt_is_a_receipt_even_if_the_release_has_moved_on():
    late = mail(replace(s.PASSED, version=None), "receipt")
    assert late.subject.startswith("[RECEIVED] diabetes · ")
    assert "passed" not in late.text


def test_the_verdict_mail_tells_the_verdict_even_if_a_person_has_decided_since():
    decided = replace(s.INCONCLUSIVE, stage=Stage.FAILED, decision=Decision("fail", "lee@example.com", "no", s.START))
    assert mail(decided, "verdict").subject.startswith("[INCONCLUSIVE] ")


def test_a_fault_mail_tells_the_fault_even_if_a_retry_has_begun():
    assert mail(replace(s.ERROR, stage=Stage.BUILDING, verdict=None), "fault").subject.startswith("[ERROR] ")


def test_a_passed_release_is_told_as_passed_only_on_its_verdict():
    for verdict, word in ((Verdict.PASSED, "PASSED"), (Verdict.FAILED, "FAILED")):
        assert mail(replace(s.PASSED, verdict=verdict), "verdict").subject.startswith(f"[{word}]")


# --- identity -----------------------------------------------------------------------------------------------------------


def test_the_same_mail_has_the_same_id_whenever_it_is_composed():
    assert of("passed").operation_id == of("passed", at=s.START).operation_id


def test_kind_attempt_and_release_each_make_another_mail():
    ids = [
        of("passed"),
        mail(s.PASSED, "receipt"),
        mail(replace(s.PASSED, attempt=2), "verdict"),
        mail(replace(s.PASSED, id="rother"), "verdict"),
    ]
    assert len({one.operation_id for one in ids}) == 4


def test_mails_of_one_release_make_one_thread():
    assert of("passed").headers["References"] == of("failed").headers["References"] == "<rk4w7zq2m5h6t3xa@modelgate>"


def test_a_kind_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="receipt, verdict, fault"):
        mail(s.PASSED, "newsletter")


# --- hostile and large ------------------------------------------------------------------------------------------------------


def hostile():
    evil = s.HOSTILE
    kpis = tuple(replace(kpi, metric=evil, reason=evil, slice=evil) for kpi in s.FAILED.kpis)
    fault = Fault(evil, f"{evil}\nTraceback\n{evil}", evil, evil, 3)
    return replace(
        s.FAILED, name=evil, submitter=evil, kpis=kpis, faults=(fault,), reasons=(evil,), same_as=evil,
        bundle=s.bundle(data=replace(s.bundle().manifest.data, reference=evil, target=evil)), scores=Scores({evil: 1.0}, {evil: 2.0}, 1, 0),
    )  # fmt: skip


KINDS = [
    ("receipt", Stage.REGISTERING),
    ("verdict", Stage.FAILED),
    ("fault", Stage.INVALID),
    ("fault", Stage.ERROR),
    ("duplicate", Stage.DUPLICATE),
    ("cancelled", Stage.CANCELLED),
]


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_hostile_text_adds_no_header_and_no_recipient(kind, stage):
    message = mime_message(mail(replace(hostile(), stage=stage), kind))
    assert message["Bcc"] is None
    assert message["To"] == "undisclosed-recipients:;"
    assert b"\nBcc" not in message.as_bytes().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_hostile_text_brings_no_escape_and_no_bidi_character(kind, stage):
    one = mail(replace(hostile(), stage=stage), kind)
    assert not set("\x1b\u202e\u2066\x00\r") & set(one.subject + one.text + one.html)


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.seen, self.attributes = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.attributes += attributes


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_hostile_text_brings_no_markup(kind, stage):
    assert "script" not in Tags(mail(replace(hostile(), stage=stage), kind).html).seen


@pytest.mark.parametrize("name", s.MAILS)
def test_the_html_loads_nothing_and_styles_inline(name):
    tags = Tags(of(name).html)
    assert not {"img", "link", "style", "script", "iframe", "svg"} & set(tags.seen)
    assert not {name for name, _ in tags.attributes} & {"src", "background", "onload", "class"}
    assert ("content", "light dark") in tags.attributes


@pytest.mark.parametrize("name", s.MAILS)
def test_every_tag_is_closed(name):
    html = of(name).html
    for tag in ("table", "tr", "td", "div", "span", "p", "pre", "ul", "li", "bdi", "code", "h1"):
        assert len(re.findall(rf"<{tag}\b", html)) == html.count(f"</{tag}>"), tag


def test_a_mail_with_five_hundred_long_faults_stays_small_and_says_what_it_left_out():
    faults = tuple(Fault(f"MG{100 + n}", "<&>" * 400 + "\n" + "x" * 4000, "y" * 800, "z" * 300, n) for n in range(500))
    one = mail(replace(s.INVALID, faults=faults), "fault")
    assert len(one.html.encode()) <= HTML_MOST
    shown = len(set(re.findall(r">MG(\d+)<", one.html)))
    assert shown >= 5
    assert f"And {500 - shown} more" in one.html


def test_a_traceback_keeps_its_lines_in_the_mail_and_only_its_first_in_the_subject():
    trouble = replace(
        s.INVALID, faults=(Fault("MG301", "init() raised ValueError: no\nTraceback:\n  score.py, line 3", "Mend it.", "score.py", 3),)
    )
    one = mail(trouble, "fault")
    assert one.subject == "[INVALID] diabetes · MG301 init() raised ValueError: no (score.py:3)"
    assert "    |   score.py, line 3" in one.text


def test_secrets_in_a_fault_are_not_mailed():
    leaky = replace(s.ERROR, faults=(Fault("MG902", "could not reach https://ana:hunter22@index.example.com/simple"),))
    one = mail(leaky, "fault")
    assert "hunter22" not in one.subject + one.text + one.html


@pytest.mark.parametrize("good", ["ana@example.com", "a.b+c@x-y.example", "o'brien@localhost"])
def test_a_plain_address_is_one(good):
    assert address(good) == good


@pytest.mark.parametrize(
    "bad", [None, "", "ana", "a@b\r\nBcc: c@d", "a@b, c@d", "Ana <a@b>", "a@b c@d", "a..b@c", "@x", "a@", '"a b"@c', "a@b;c@d"]
)
def test_what_is_no_plain_address_never_becomes_a_recipient(bad):
    assert address(bad) is None
