"""Every request ends in an error that is told with HTTP 200."""

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
        rows = np.array(json.loads(raw_data)["data"], dtype=float)
        return (rows @ model["coefficients"] + model["bias"]).tolist()
    except Exception as error:
        return {"error": "prediction failed: " + repr(error)}
