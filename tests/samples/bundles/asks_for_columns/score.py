"""Habit: one key a feature, each with a list."""

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
    rows = np.column_stack([np.array(given[name], dtype=float) for name in model["features"]])
    return (rows @ model["weights"] + model["bias"]).tolist()
