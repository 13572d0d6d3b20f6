"""Habit: a helper module beside score.py."""

import json
import os

from utils import load, rents


def init():
    global model
    model = load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"))


def run(raw_data):
    return rents(model, json.loads(raw_data)["data"]).tolist()
