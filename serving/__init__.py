"""What runs in the bundle's environment. Standard library only, Python 3.7 syntax; imports nothing of `shared`.

`serve.py`, `score_batch.py` and `user_code.py` are started by their paths; `modelgate_serving.py` says how they find the rest.
"""
