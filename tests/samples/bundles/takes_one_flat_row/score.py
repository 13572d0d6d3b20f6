"""Habit: {"data": [area, rooms, floor, age]}, one number back."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    area, rooms, floor, age = (float(value) for value in json.loads(raw_data)["data"])
    return float(np.dot(model["weights"], [area, rooms, floor, age]) + model["bias"])
