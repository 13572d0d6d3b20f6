"""Habit: whatever lies there is the model, and more than one file is an error. Its ending is .sav."""

import json
import os
import pickle

import numpy as np


def init():
    global model
    folder = os.environ["AZUREML_MODEL_DIR"]
    files = os.listdir(folder)
    if len(files) != 1:
        raise RuntimeError("expected one file, found %s" % files)
    model = pickle.load(open(os.path.join(folder, files[0]), "rb"))


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    return (rows @ model["weights"] + model["bias"]).tolist()
