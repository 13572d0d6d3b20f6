"""Tells which digit an image shows, with a network in ONNX format.

In: {"data": [[784 pixels from 0 (paper) to 255 (ink), row by row], ...]}. Out: one digit a row.
"""

import json
import os

import numpy as np
import onnxruntime

PIXELS = 28 * 28

session = None


def init():
    """Load the network once, before the first request."""
    global session
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the network is small: threads would cost more than they bring
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(raw_data):
    """Answer one request. Images of another size or scale raise: the caller sees an error, never a wrong digit."""
    images = np.array(json.loads(raw_data)["data"], dtype=np.float32)
    if images.ndim != 2 or images.shape[1] != PIXELS:
        raise ValueError(f"expected rows of {PIXELS} pixels, got the shape {images.shape}")
    if images.min() < 0 or images.max() > 255:
        raise ValueError("pixels must lie between 0 and 255")
    digits, _probabilities = session.run(None, {session.get_inputs()[0].name: images / 255})
    return digits.tolist()
