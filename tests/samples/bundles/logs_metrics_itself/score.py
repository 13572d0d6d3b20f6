"""Habit: the script logs figures with MLflow, from init and from run."""

import json
import os
import pickle

import mlflow
import numpy as np


def init():
    global model, seen
    seen = 0
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)
    mlflow.log_metric("weights", len(model["weights"]))


def run(raw_data):
    global seen
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    seen += len(rows)
    mlflow.log_metrics({"rows_seen": seen, "largest_area": rows[:, 0].max()})
    return (rows @ model["weights"] + model["bias"]).tolist()
