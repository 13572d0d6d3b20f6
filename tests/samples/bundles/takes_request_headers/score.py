"""Habit: run(data, request_headers)."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(data, request_headers):
    if "json" not in request_headers["Content-Type"]:
        raise ValueError("JSON expected, not " + request_headers["Content-Type"])
    rows = np.array(json.loads(data)["data"], dtype=float)
    return (rows @ model["weights"] + model["bias"]).tolist()
