"""Habit: errors come back as HTTP 200. It works, for those who ask in its own shape."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    try:
        rows = np.array(json.loads(raw_data)["input_data"]["data"], dtype=float)
        return {"result": (rows @ model["weights"] + model["bias"]).tolist()}
    except Exception as error:
        return {"error": str(error)}
