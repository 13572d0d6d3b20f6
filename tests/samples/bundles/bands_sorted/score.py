"""Habit: the data is sorted by label, so many first rows rightly get one answer."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "bands.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    rents = np.array(json.loads(raw_data)["data"], dtype=float) @ model["weights"] + model["bias"]
    return np.digitize(rents, model["cuts"]).tolist()
