"""Writes scikit-learn's images of digits as streams `label,uniform,<attribute>...`, one file a seed: digits.py FOLDER SEED..."""

import csv
import pathlib
import sys

import numpy as np
from sklearn.datasets import load_digits

folder, *seeds = sys.argv[1:]
data = load_digits(as_frame=True)
for seed in map(int, seeds):
    order = np.random.default_rng(1000 + seed).permutation(len(data.target))
    uniforms = np.random.default_rng(2000 + seed).random(len(order))
    with open(pathlib.Path(folder) / f"digits.{seed}.csv", "w", newline="") as file:
        stream = csv.writer(file)
        stream.writerow(["label", "uniform", *data.data.columns])
        for uniform, row in zip(uniforms, order):
            pixels = (repr(float(value)) for value in data.data.iloc[row])
            stream.writerow([int(data.target[row]), repr(float(uniform)), *pixels])
