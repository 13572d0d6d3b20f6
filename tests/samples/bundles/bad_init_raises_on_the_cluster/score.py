"""init() raises, in a job."""

import json

import numpy as np


def init():
    raise RuntimeError("no licence for this model")


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    return (rows @ model["weights"] + model["bias"]).tolist()
