"""Fetches the model from a workspace with SDK v1."""

import json
import pickle

import numpy as np
from azureml.core import Workspace
from azureml.core.model import Model


def init():
    global model
    workspace = Workspace.from_config()
    path = Model(workspace, name="rent").download(target_dir=".", exist_ok=True)
    with open(path, "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    return (rows @ model["weights"] + model["bias"]).tolist()
