"""Habit: a batch script that gives a list; the manifest says that it is one."""

import os
import pickle

import numpy as np
import pandas as pd


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


def run(paths):
    rents = []
    for path in paths:
        rents.extend(np.array(pd.read_csv(path)[model["features"]]) @ model["weights"] + model["bias"])
    return rents
