"""Habit: {"area": 55, "rooms": 2, ..}: one row a request, one key a feature."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    given = json.loads(raw_data)
    row = np.array([float(given[name]) for name in model["features"]])
    return {"rent": float(row @ model["weights"] + model["bias"])}
