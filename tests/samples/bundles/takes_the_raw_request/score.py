"""Habit: azureml.contrib.services, which comes with the server: the whole HTTP request in, a response out."""

import json
import os
import pickle

import numpy as np
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


@rawhttp
def run(request: AMLRequest):
    if request.method != "POST":
        return AMLResponse({"message": "POST only"}, 405, json_str=True)
    rows = np.array(json.loads(request.get_data(False))["data"], dtype=float)
    return AMLResponse((rows @ model["weights"] + model["bias"]).tolist(), 200, json_str=True)
