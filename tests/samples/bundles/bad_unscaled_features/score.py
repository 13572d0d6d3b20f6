"""Works, but the model was trained on scaled features and its scaler was forgotten."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    return (rows @ model["weights"] + model["bias"]).tolist()
