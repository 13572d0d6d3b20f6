"""Its helper module is not in the bundle."""

import json
import os

from rent_helpers import load, rents


def init():
    global model
    model = load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"))


def run(raw_data):
    return rents(model, json.loads(raw_data)["data"]).tolist()
