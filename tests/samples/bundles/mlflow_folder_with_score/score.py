"""Habit: an MLflow folder, but served by a script of one's own, with an environment of its own."""
import json
import os
import pickle

import numpy as np


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model", "model.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    return model.predict(np.array(json.loads(raw_data)["data"], dtype=float)).tolist()
