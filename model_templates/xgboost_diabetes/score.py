"""Predicts how far diabetes will have progressed after a year, with gradient boosted trees.

In: {"data": [[age, sex, bmi, bp, s1, s2, s3, s4, s5, s6], ...]} in their own units. Out: one number a row.
"""

import json
import os

import numpy as np
import xgboost

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

booster = None


def init():
    """Load the trees once, before the first request."""
    global booster
    booster = xgboost.Booster(model_file=os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.ubj"))
    booster.set_param({"nthread": 1})  # requests are small: threads would cost more than they bring


def run(raw_data):
    """Answer one request. A body of another shape raises: the caller sees an error, never a wrong number."""
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    if rows.ndim != 2 or rows.shape[1] != len(FEATURES):
        raise ValueError(f"expected rows of {len(FEATURES)} numbers ({', '.join(FEATURES)}), got the shape {rows.shape}")
    return booster.inplace_predict(rows).tolist()
