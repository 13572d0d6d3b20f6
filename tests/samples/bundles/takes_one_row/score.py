"""Habit: reshape(1, -1): one row a request."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    row = np.array(json.loads(raw_data)["data"], dtype=float).reshape(1, -1)
    return (row @ model["weights"] + model["bias"]).tolist()
