"""What must become of each sample bundle: the table that the journeys read.

A name begins with `bad_` exactly when the bundle must not pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PASSED, FAILED, INVALID = "passed", "failed", "invalid"


@dataclass(frozen=True)
class Expected:
    """`code`: the beginnings that one error's code may have. `kpi`: the metric whose KPI must not hold. `notes`: codes that must be told
    beside the verdict. `figures`: metrics with the value they must have. `reported`: figures that the bundle's own code reports."""

    verdict: str
    code: tuple[str, ...] = ()
    kpi: str | None = None
    says: str = ""  # stands in the fault's message or fix, or in the KPI's reason, in any case
    request: str | None = None
    notes: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    reported: tuple[str, ...] = ()


RENT = {"r2": 0.986887}  # make_bundles.held_out_r2(): every way to ask and to answer must come to the same
BAND = {"accuracy": 112 / 120}  # make_bundles.held_out_accuracy()


def passes(request: str | None = "data", *, notes: tuple[str, ...] = (), reported: tuple[str, ...] = ()) -> Expected:
    """A bundle of the good rent model."""
    return Expected(PASSED, request=request, notes=notes, figures=RENT, reported=reported)


def invalid(*code: str, says: str = "") -> Expected:
    """A bundle that cannot be used as it is."""
    return Expected(INVALID, code=code, says=says)


def fails(kpi: str, says: str = "", notes: tuple[str, ...] = ()) -> Expected:
    """A bundle that works and is not good enough."""
    return Expected(FAILED, kpi=kpi, says=says, notes=notes)


EXPECTED: dict[str, Expected] = {
    # names and places
    "score_is_scoring_py": passes(),
    "score_is_main_py": passes(),
    "manifest_chooses_the_score": passes(),
    "environment_in_a_subfolder": passes(),
    "environment_asset_beside": passes(),
    "conda_names_in_odd_order": passes(notes=("MG208",)),
    "requirements_txt": passes(),
    "defaults_of_azureml": passes(notes=("MG209",)),
    "python_overridden": passes(),
    "python_patch_gone": passes(notes=("MG212",)),
    # where the model is
    "model_folder": passes(),
    "model_folder_unnamed": passes(),
    "model_out_of_a_folder": passes(),
    "model_by_glob": passes(),
    "model_any_one_file": passes(),
    "model_named_by_its_folder": passes(),
    "scaler_and_model": passes(),
    "helper_module": passes(),
    "mlflow_folder_with_score": Expected(PASSED, request="data", figures={"r2": 0.561953}),
    "mlflow_whole_numbers": Expected(PASSED),
    # what goes in
    "asks_for_input_data": passes("input_data"),
    "asks_for_records": passes("records"),
    "asks_for_records_under_data": passes("key:data:records"),
    "asks_for_bare_rows": passes("rows"),
    "asks_for_columns": passes("columns"),
    "asks_for_a_key_of_its_own": passes("key:instances"),
    "asks_for_the_name_of_its_data": passes("key:flats"),
    "takes_one_row": passes("row"),
    "takes_one_flat_row": passes("row:flat"),
    "takes_one_row_by_feature": passes("row:features"),
    "schema_decorated": passes("key:flats"),
    "takes_request_headers": passes(),
    "takes_the_raw_request": passes(),
    "extra_columns": passes("input_data"),
    # what comes out
    "answers_json_in_a_string": passes(),
    "answers_a_series_of_pandas": passes(),
    "answers_a_frame_of_pandas": passes(),
    "answers_several_keys": passes(),
    "answers_errors_with_200": passes("input_data"),
    "bands_as_text": Expected(PASSED, request="data", figures=BAND),
    "bands_by_chances": Expected(PASSED, request="data", figures=BAND),
    "bands_by_named_chances": Expected(PASSED, request="data", figures=BAND),
    "bands_sorted": Expected(PASSED, request="data", figures=BAND),
    # old SDK, own figures, other targets
    "v1_import_left_over": passes(notes=("MG165",)),
    "v1_model_path": passes(notes=("MG165",)),
    "logs_metrics_itself": passes(reported=("weights", "rows_seen", "largest_area")),
    "preprocess_and_metrics": passes(reported=("worst_miss", "mean_miss_of_small_flats")),
    "on_the_cluster": passes(None),
    "batch_frame": passes(None),
    "batch_list": passes(None),
    # work, and are not good enough
    "bad_below_kpi": fails("r2"),
    "bad_unscaled_features": fails("r2"),
    "bad_bands_as_text_for_numbers": fails("accuracy", notes=("MG509",)),
    "bad_majority_class": fails("f1_macro"),
    "bad_misspelt_metric": fails("rsme", says="rmse"),
    # cannot be used as they were dropped
    "bad_helper_left_out": invalid("MG164", "MG303", says="rent_helpers"),
    "bad_model_is_a_pointer": invalid("MG122", says="rent.pkl"),
    "bad_model_is_empty": invalid("MG122", says="rent.pkl"),
    "bad_no_environment": invalid("MG126"),
    "bad_no_model": invalid("MG120"),
    "bad_pointer_one_letter_short": invalid("MG125", says="score.py"),
    "bad_run_missing": invalid("MG161", says="run"),
    "bad_score_is_empty": invalid("MG169", says="score.py"),
    "bad_suspicious_pickle": invalid("MG180", says="system"),
    "bad_syntax_error": invalid("MG160", says="never closed"),
    "bad_target_not_in_the_data": invalid("MG191", says="price"),
    "bad_two_models": invalid("MG121", says="rent_b.pkl"),
    "bad_two_scores": invalid("MG124", says="score_new.py"),
    "bad_unknown_manifest_key": invalid("MG144", says="environment"),
    "bad_v1_workspace": invalid("MG166", says="AZUREML_MODEL_DIR"),
    # cannot be built
    "bad_package_does_not_exist": invalid("MG220", says="rent-forecasting-toolkit-of-nobody"),
    "bad_package_for_conda_only": invalid("MG205", says="r-base"),
    "bad_pins_against_the_server": invalid("MG24", says="flask"),
    "bad_pins_that_rot": invalid("MG22", says="1.18.5"),
    "bad_python_not_there": invalid("MG211", says="3.42"),
    "bad_python_too_old": invalid("MG21", says="3.6"),
    "bad_version_does_not_exist": invalid("MG221", says="2.4.600"),
    # cannot be served
    "bad_dies_on_start": invalid("MG3"),
    "bad_init_raises": invalid("MG301", says="KeyError"),
    "bad_init_raises_on_the_cluster": invalid("MG301", says="no licence"),
    "bad_model_path": invalid("MG302", says="rents.pkl"),
    "bad_reads_the_answers": invalid("MG30", says="holdout.csv"),
    # give no usable answers
    "bad_answers_not_finite": invalid("MG403"),
    "bad_answers_nothing": invalid("MG411"),
    "bad_constant_answers": invalid("MG405"),
    "bad_dies_on_a_request": invalid("MG309", "MG401"),
    "bad_errors_with_200": invalid("MG404", says="coefficients"),
    "bad_number_of_rows": invalid("MG402"),
    "bad_printed_array": invalid("MG406"),
}


def told(release: dict[str, Any]) -> str:
    """What a failed test should show of a release."""
    return "\n".join(map(str, [release["name"], release["stage"], *release["faults"], *release["kpis"], *release["reasons"]]))
