"""Habit: two artefacts in one folder, a scaler and the weights."""

import json
import os
import pickle

import numpy as np


def init():
    global scaler, weights
    folder = os.path.join(os.environ["AZUREML_MODEL_DIR"], "artifacts")
    with open(os.path.join(folder, "scaler.pkl"), "rb") as file:
        scaler = pickle.load(file)
    weights = np.load(os.path.join(folder, "weights.npy"))


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    scaled = (rows - scaler["means"]) / scaler["deviations"]
    return (scaled @ weights[:-1] + weights[-1]).tolist()
