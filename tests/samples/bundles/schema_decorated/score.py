"""Habit: inference_schema turns the body into arguments; the parameter's name is the key."""

import json
import os
import pickle

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = np.array([[55.0, 2.0, 1.0, 30.0]])


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "rent.pkl"), "rb") as file:
        model = pickle.load(file)


@input_schema("flats", NumpyParameterType(SAMPLE))
@output_schema(NumpyParameterType(np.array([450.0])))
def run(flats):
    return (flats @ model["weights"] + model["bias"]).tolist()
