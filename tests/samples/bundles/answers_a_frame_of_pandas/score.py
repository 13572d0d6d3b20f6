"""Habit: DataFrame.to_json(), inputs and prediction together."""

import json
import os
import pickle

import numpy as np
import pandas as pd


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    frame = pd.DataFrame(json.loads(raw_data)["data"], columns=model["features"])
    frame["prediction"] = np.array(frame) @ model["weights"] + model["bias"]
    return frame.to_json(orient="records")
