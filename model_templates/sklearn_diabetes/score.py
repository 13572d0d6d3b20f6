"""Predicts how far diabetes will have progressed after a year.

In: {"data": [[age, sex, bmi, bp, s1, s2, s3, s4, s5, s6], ...]} in their own units. Out: one number a row.
"""

import json
import os
import pickle

import numpy as np

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

model = None


def init():
    """Load the model once, before the first request."""
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    """Answer one request. A body of another shape raises: the caller sees an error, never a wrong number."""
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    if rows.ndim != 2 or rows.shape[1] != len(FEATURES):
        raise ValueError(f"expected rows of {len(FEATURES)} numbers ({', '.join(FEATURES)}), got the shape {rows.shape}")
    return model.predict(rows).tolist()
