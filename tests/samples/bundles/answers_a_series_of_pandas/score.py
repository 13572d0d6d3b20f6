"""Habit: Series.to_json(): an object keyed by the index, ten decimals."""

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
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    return pd.Series(rows @ model["weights"] + model["bias"]).to_json()
