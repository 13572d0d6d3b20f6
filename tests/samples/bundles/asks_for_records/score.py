"""Habit: a bare list of objects, one a row."""

import json
import os
import pickle

import pandas as pd


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    frame = pd.DataFrame.from_records(json.loads(raw_data))
    return (frame[model["features"]] @ model["weights"] + model["bias"]).tolist()
