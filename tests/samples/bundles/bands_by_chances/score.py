"""Habit: probabilities instead of labels."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "bands.pkl"), "rb") as file:
        model = pickle.load(file)


def chances(rows):
    """Probabilities of cheap, fair, dear: one row each."""
    rents = np.array(rows, dtype=float) @ model["weights"] + model["bias"]
    below = 1 / (1 + np.exp((rents[:, None] - model["cuts"]) / model["spread"]))
    return np.diff(np.hstack([np.zeros((len(rents), 1)), below, np.ones((len(rents), 1))]))


def run(raw_data):
    return chances(json.loads(raw_data)["data"]).tolist()
