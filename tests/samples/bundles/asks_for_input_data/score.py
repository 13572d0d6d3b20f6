"""Habit: {"input_data": {"columns", "index", "data"}}, as MLflow and managed endpoints have it."""

import json
import os
import pickle

import pandas as pd


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    given = json.loads(raw_data)["input_data"]
    frame = pd.DataFrame(given["data"], columns=given["columns"], index=given["index"])
    return (frame[model["features"]] @ model["weights"] + model["bias"]).tolist()
