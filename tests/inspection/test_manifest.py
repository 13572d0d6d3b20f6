"""Manifests: what they may say, how site and `--set` go with them, and how each mistake is told."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from shared.domain.manifest import Compute, DataSpec, Kpi, SiteDefaults
from shared.domain.manifest_rules import build_manifest, is_address
from shared.domain.manifest_schema import json_schema
from shared.domain.metrics import METRICS

DATA = "data: {reference: holdout.csv, target: y, task: regression}\n"
KPIS = "kpis:\n  - {metric: r2, min: 0.4}\n"
WHO = "submitter: ana@example.com\n"
WHOLE = """\
name: diabetes
submitter: ana@example.com
model: model.pkl
scoring: score.py
environment: conda.yml
python: "3.11"
request: key:rows
script: online
data:
  reference: holdout.csv
  target: y
  task: regression
kpis:
  - {metric: r2, min: 0.40}
  - {metric: latency_p95_ms, max: 200}
  - {metric: peak_memory_mb, max: 1024, mode: report}
tolerance: 1e-6
compute: {target: aci, cpu: 2, memory_gb: 4, instance_type: null}
"""


def built(given=None, site=None, sets=()):
    return build_manifest(given or {}, site or SiteDefaults(), drop_name="diabetes", overrides=sets)


def test_a_whole_manifest_is_read_as_written(look):
    found = look({"manifest.yml": WHOLE})
    manifest = found.bundle.manifest
    assert found.faults == ()
    assert manifest.request == "key:rows"
    assert manifest.tolerance == 1e-6
    assert manifest.compute == Compute("aci", 2, 4)
    assert manifest.kpis == (Kpi("r2", min=0.4), Kpi("latency_p95_ms", max=200), Kpi("peak_memory_mb", max=1024, mode="report"))


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("name: a\n  b: c\n", "MG140", 2),
        ("name: \x07\n", "MG140", None),
        ("a: 1\n---\nb: 2\n", "MG140", 2),
        ("- name\n", "MG141", 1),
        ("just text", "MG141", 1),
        (WHO + DATA + KPIS + "submitter: bo@example.com\n", "MG142", 5),
        ("name: &a x\n", "MG143", 1),
        ("name: a\nmodel: !!python/object:os.system x\n", "MG143", 2),
        ("x: " + "[" * 30, "MG143", 1),
        ("a: [" + "1, " * 30_000 + "1]", "MG143", 1),
        (WHO + DATA + KPIS + "modle: model.pkl\n", "MG144", 5),
        (WHO + DATA + "kpis:\n  - metric: r2\n    mni: 0.4\n", "MG144", 5),
        (WHO + DATA + KPIS + "promotion: {approver: x}\n", "MG144", 5),
        (WHO + DATA + "kpis: {r2: 0.4}\n", "MG145", 3),
        (WHO + DATA + "kpis:\n  - {metric: r2, min: high}\n", "MG145", 4),
        (WHO + DATA + "kpis:\n  - {metric: r2, min: .nan}\n", "MG145", 4),
        (WHO + DATA + "kpis:\n  - {metric: r2, min: true}\n", "MG145", 4),
        (WHO + DATA + "kpis:\n  - {min: 3}\n", "MG145", 4),
        (WHO + DATA + KPIS + "profile: often\n", "MG145", 5),
        (WHO + KPIS + "data: holdout.csv\n", "MG145", 4),
        (WHO + DATA + KPIS + "compute: {target: kubernetes}\n", "MG146", 5),
        (WHO + DATA + KPIS + "compute: {cpu: 0}\n", "MG146", 5),
        (WHO + DATA + KPIS + "request: rowz\n", "MG146", 5),
        (WHO + DATA + KPIS + "python: latest\n", "MG146", 5),
        (WHO + DATA + "kpis:\n  - {metric: r2, min: 0.9, max: 0.1}\n", "MG146", 4),
        (WHO + DATA + "kpis:\n  - {metric: r2}\n", "MG147", 4),
        (WHO + DATA + "kpis:\n  - {metric: r2, min: 0.4, confidence: 0.95}\n", "MG148", 4),
        (WHO + DATA + "kpis:\n  - {metric: r2, gain_over_champion: 0.0}\n", "MG148", 4),
        (WHO + DATA + "kpis:\n  - {metric: mae, slice: sex, max: 50, min_rows: 30}\n", "MG148", 4),
        (WHO + DATA + "kpis:\n  - {metric: mae, gap_over: sex, max: 5}\n", "MG148", 4),
        (WHO + DATA, "MG150", None),
        (WHO + DATA + "kpis:\n  - {metric: r2, min: 0.4, mode: report}\n", "MG150", 3),
        ("submitter: nobody\n" + DATA + KPIS, "MG155", 1),
    ],
)
def test_each_mistake_in_a_manifest_has_its_code_and_line(fault, text, code, line):
    found = fault(code, {"manifest.yml": text})
    assert (found.severity, found.file, found.line) == ("error", "manifest.yml", line)
    assert found.fix


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (WHO + DATA + "kpis:\n  - {metric: r2_score, min: 0.4}\n", "MG151"),
        (WHO + DATA + "kpis:\n  - {metric: rmse, min: 60}\n", "MG152"),
        (DATA + KPIS, "MG154"),
        (WHO + DATA + KPIS + "name: my model (v2)\n", "MG157"),
    ],
)
def test_what_may_be_meant_is_a_warning(look, text, code):
    found = look({"manifest.yml": text})
    assert [(fault.code, fault.severity) for fault in found.faults] == [(code, "warning")]
    assert found.bundle is not None


def test_a_misspelt_key_and_metric_are_told_with_the_word_that_was_meant(look):
    found = look({"manifest.yml": WHO + DATA + "kpis:\n  - {metric: rmsee, max: 60}\nsubmiter: x@example.com\nentry_script: a.py\n"})
    fixes = " ".join(fault.fix for fault in found.faults)
    assert "Did you mean rmse?" in fixes
    assert "Did you mean submitter?" in fixes
    assert "Did you mean scoring?" in fixes


def test_numbers_are_taken_as_they_are_written_where_a_text_is_wanted(look):
    manifest = look({"manifest.yml": WHO + DATA + KPIS + "name: 007\npython: 3.10\n"}).bundle.manifest
    assert (manifest.name, manifest.python) == ("007", "3.10")


def test_no_submitter_at_all_is_told_once_who_could_be_named(fault):
    assert "submitter:" in fault("MG154", {"manifest.yml": DATA + KPIS}).fix


# names


@pytest.mark.parametrize(
    ("given", "name"), [("a b", "a-b"), ("Größe", "Gr-e"), ("-x-", "x"), ("x" * 80, "x" * 63), ("a/b", "a-b"), ("_a", "a")]
)
def test_names_become_what_every_registry_takes(given, name):
    assert built({"name": given})[0].name == name


def test_a_name_of_which_nothing_is_left_is_an_error():
    assert "MG158" in [fault.code for fault in built({"name": "???"})[1]]


# submitters


@pytest.mark.parametrize("address", ["ana@example.com", "a.b+c@sub.example.co.uk", "o'neil@example.com"])
def test_plain_addresses_are_accepted(address):
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "ana", "ana@", "@example.com", "ana@example", "a@b@example.com", "Ana <ana@example.com>", "ana@example.com, bo@example.com",
        "ana@example.com\nBcc: x@y.z", "ana@exa mple.com", "ana@example.com\r", ".ana@example.com", "ana..b@example.com",
        '"a b"@example.com', "ana@-example.com", "ä@example.com", "a" * 65 + "@example.com",
    ],
)  # fmt: skip
def test_anything_but_one_plain_address_is_refused(address):
    assert not is_address(address)


def test_only_allowed_domains_get_mail(fault):
    site = SiteDefaults(mail_domains=("example.org", "Example.NET"))
    assert "example.org" in fault("MG156", site=site).fix


def test_an_allowed_domain_is_told_without_regard_to_case(codes):
    assert codes(site=SiteDefaults(mail_domains=("EXAMPLE.com",))) == []


def test_a_subdomain_is_not_the_domain(codes):
    assert codes({"manifest.yml": "submitter: a@evil-example.com\n" + DATA + KPIS}, site=SiteDefaults(mail_domains=("example.com",))) == [
        "MG156"
    ]


def test_the_submitter_is_the_manifests_else_the_drops_else_the_sites():
    site = SiteDefaults(submitter="site@example.com")
    for given, drop, wanted in (
        ("m@example.com", "d@example.com", "m@example.com"),
        (None, "d@example.com", "d@example.com"),
        (None, None, "site@example.com"),
    ):
        manifest, _ = build_manifest({"submitter": given}, site, drop_name="x", submitter=drop)
        assert manifest.submitter == wanted


# the site


SITE = SiteDefaults(kpis=(Kpi("r2", min=0.4), Kpi("error_rate", max=0.01)), data=DataSpec(task="regression"))


def test_the_sites_kpis_hold_where_the_manifest_is_silent():
    assert built(site=SITE)[0].kpis == SITE.kpis


def test_a_manifest_may_tighten_and_add():
    manifest, faults = built({"kpis": [{"metric": "r2", "min": 0.5}, {"metric": "rmse", "max": 60}]}, SITE)
    assert manifest.kpis == (Kpi("r2", min=0.5), Kpi("rmse", max=60), Kpi("error_rate", max=0.01))
    assert [fault.code for fault in faults if fault.severity == "error"] == []


def test_the_other_side_of_a_site_kpi_is_kept():
    assert built({"kpis": [{"metric": "r2", "max": 0.99}]}, SITE)[0].kpis[0] == Kpi("r2", min=0.4, max=0.99)


@pytest.mark.parametrize(
    "kpi", [{"metric": "r2", "min": 0.3}, {"metric": "error_rate", "max": 0.02}, {"metric": "r2", "min": 0.5, "mode": "report"}]
)
def test_a_manifest_may_not_loosen(kpi):
    assert "MG149" in [fault.code for fault in built({"kpis": [kpi]}, SITE)[1]]


def test_keys_of_data_and_compute_come_from_the_site_one_by_one():
    site = SiteDefaults(data=DataSpec("a.csv", "y", "regression"), compute=Compute("aci", 2, 8))
    manifest, _ = built({"data": {"target": "z"}, "compute": {"cpu": 1}}, site)
    assert (manifest.data, manifest.compute) == (DataSpec("a.csv", "z", "regression"), Compute("aci", 1, 8))


# --set


def test_set_goes_over_the_manifest():
    manifest, faults = built(
        {"kpis": [{"metric": "r2", "min": 0.4}], "python": "3.9"},
        sets=("kpis.0.min=0.5", "python=3.10", "data.target=y", "kpis.1.metric=mae", "kpis.1.max=3"),
    )
    assert (manifest.kpis, manifest.python, manifest.data.target) == ((Kpi("r2", min=0.5), Kpi("mae", max=3)), "3.10", "y")
    assert [fault.code for fault in faults if fault.severity == "error"] == []


def test_set_counts_the_sites_kpis_where_the_manifest_has_none():
    assert built(site=SITE, sets=("kpis.0.min=0.6",))[0].kpis == (Kpi("r2", min=0.6), Kpi("error_rate", max=0.01))


def test_set_may_not_loosen_the_site_and_is_named_for_it():
    found = next(fault for fault in built(site=SITE, sets=("kpis.0.min=0.1",))[1] if fault.code == "MG149")
    assert found.file == "--set kpis.0.min=0.1"


@pytest.mark.parametrize(
    "text", ["", "kpis", "kpis.0.min", "kpis.5.min=1", "kpis.x.min=1", "=3", ".=1", "name.a=1", "a..b=1", "kpis.-1.min=0"]
)
def test_what_cannot_be_set_is_told(text):
    assert "MG153" in [fault.code for fault in built({"name": "x", "kpis": [{"metric": "r2", "min": 1}]}, sets=(text,))[1]]


def test_set_of_an_unknown_key_is_an_unknown_key():
    found = [fault for fault in built(sets=("tolerence=1",))[1] if fault.code == "MG144"]
    assert [(each.file, each.fix) for each in found] == [("--set tolerence=1", "Did you mean tolerance?")]


# what is published


def test_the_schema_accepts_what_the_reader_accepts():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(WHOLE.replace("1e-6", "1.0e-6")), schema)


@pytest.mark.parametrize(
    "given",
    [
        {"modle": "x"},
        {"kpis": [{"metric": "r2", "mni": 1}]},
        {"kpis": [{"min": 1}]},
        {"compute": {"cpu": 0}},
        {"request": "x"},
        {"kpis": {}},
        {"promotion": {"x": 1}},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(given):
    assert any(fault.severity == "error" and fault.code in {"MG144", "MG145", "MG146"} for fault in built(given)[1])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, json_schema())


def test_every_key_of_the_schema_says_what_it_means():
    keys = json_schema()["properties"]
    assert [name for name, each in keys.items() if not each["description"]] == []
    assert json.loads(json.dumps(keys)) == keys


def test_the_table_of_metrics_holds_every_name_of_the_kpi_language():
    names = "r2 rmse mae mape accuracy balanced_accuracy f1_macro f1_weighted precision_macro recall_macro"
    names += " roc_auc average_precision log_loss brier"
    names += " latency_p50_ms latency_p95_ms latency_p99_ms throughput_rows_s error_rate peak_memory_mb start_seconds"
    assert set(names.split()) <= set(METRICS)


def test_metrics_of_labels_have_a_scorer_and_those_of_operations_none():
    assert [metric.name for metric in METRICS.values() if (metric.scorer is None) != (metric.task == "operations")] == []


@pytest.mark.parametrize(("kpi", "side"), [({"metric": "rmse", "min": 6}, "max"), ({"metric": "r2", "max": 0.4}, "min")])
def test_a_limit_on_the_wrong_side_names_the_right_one(kpi, side):
    assert [fault.fix for fault in built({"kpis": [kpi]})[1] if fault.code == "MG152"] == [f"Did you mean {side}?"]


def test_a_metric_with_both_limits_is_on_no_wrong_side():
    assert "MG152" not in [fault.code for fault in built({"kpis": [{"metric": "r2", "min": 0.4, "max": 0.99}]})[1]]
