"""Habit: an id, a date and a text stand among the features; the script picks its own by name."""

import json
import os
import pickle

import pandas as pd


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    frame = pd.DataFrame(**json.loads(raw_data)["input_data"])
    return (frame[model["features"]] @ model["weights"] + model["bias"]).tolist()
