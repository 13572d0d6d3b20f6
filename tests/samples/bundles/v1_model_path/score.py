"""Habit: the old SDK's way to find the model."""

import json
import pickle

import numpy as np
from azureml.core.model import Model


def init():
    global model
    with open(Model.get_model_path("v1-model-path"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    return (rows @ model["weights"] + model["bias"]).tolist()
