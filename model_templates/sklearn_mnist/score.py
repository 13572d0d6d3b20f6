"""Tells which digit an image shows.

In: {"data": [[784 pixels from 0 (paper) to 255 (ink), row by row], ...]}. Out: one digit a row.
"""

import json
import os
import pickle

import numpy as np

PIXELS = 28 * 28

model = None


def init():
    """Load the model once, before the first request."""
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    """Answer one request. Images of another size or scale raise: the caller sees an error, never a wrong digit."""
    images = np.array(json.loads(raw_data)["data"], dtype=float)
    if images.ndim != 2 or images.shape[1] != PIXELS:
        raise ValueError(f"expected rows of {PIXELS} pixels, got the shape {images.shape}")
    if images.min() < 0 or images.max() > 255:
        raise ValueError("pixels must lie between 0 and 255")
    return model.predict(images).tolist()
