"""Habit: {"data": [{"area": ..}, ..]}."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    rows = [[float(row[name]) for name in model["features"]] for row in json.loads(raw_data)["data"]]
    return (np.array(rows) @ model["weights"] + model["bias"]).tolist()
