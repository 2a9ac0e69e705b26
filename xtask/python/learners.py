"""What other people's learners earn on the streams that `cargo xtask bench learning` scores; arguments in, JSON lines out.

    learners.py --batch 500 --numeric linear FILE.csv...

Six near-default explorers of Vowpal Wabbit and mabwiser's LinUCB with an intercept, by the same protocol: before each block of
rows nothing is learned, the arm of a row is the first whose cumulative probability exceeds the row's `uniform`, the reward is 1
where the arm is the label, and the score is the mean over all rows. The encoding is the river's: numbers centred and scaled by
the first 500 rows, or in eight ranges cut at their quantiles; every other column a feature a value.
"""

import argparse
import csv
import json
import pathlib
import sys
import time

import numpy as np
import vowpalwabbit
from mabwiser.mab import MAB, LearningPolicy

ROWS_FOR_CUTS = 500
MOST_CODES = 64
RANGES = 8
# Exploration by action features, so that all six see the same example; the numbers are those of their documentation.
EXPLORERS = {
    "epsilon": "--epsilon 0.05",
    "bag": "--bag 5",
    "cover": "--cover 4",
    "softmax": "--softmax --lambda 10",
    "squarecb": "--squarecb --gamma_scale 500",
    "regcb": "--regcbopt --mellowness 0.01 --cb_min_cost -1 --cb_max_cost 0",
}


def read(path):
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    labels = [int(row[0]) for row in rows]
    uniforms = [float(row[1]) for row in rows]
    return labels, uniforms, {name: [row[i + 2] for row in rows] for i, name in enumerate(header[2:])}


def numbers(column):
    """The column as numbers (not a number where missing), or None where it holds names or codes."""
    present = [value for value in column if value]
    try:
        [float(value) for value in present]
    except ValueError:
        return None
    if len(set(present)) <= MOST_CODES and all(value.lstrip("+-").isdigit() for value in present):
        return None
    return np.array([float(value) if value else np.nan for value in column])


def encode(columns, as_ranges):
    """Rows of (feature, value), the value 1 but for a number that is not cut."""
    rows = None
    for name, column in columns.items():
        values = numbers(column)
        if values is None:
            encoded = [[(f"{name}={value}", 1.0)] if value else [] for value in column]
        elif as_ranges:
            first = values[:ROWS_FOR_CUTS]
            cuts = np.unique(np.nanquantile(first, np.arange(1, RANGES) / RANGES))
            places = np.searchsorted(cuts, values, side="right")
            encoded = [[] if np.isnan(v) else [(f"{name}#{place}", 1.0)] for v, place in zip(values, places)]
        else:
            first = values[:ROWS_FOR_CUTS]
            deviation = np.nanstd(first) or 1.0
            scaled = (values - np.nanmean(first)) / deviation
            encoded = [[] if np.isnan(v) else [(name, float(v))] for v in scaled]
        rows = encoded if rows is None else [a + b for a, b in zip(rows, encoded)]
    return rows


class Vowpal:
    def __init__(self, arms, explorer, features):
        options = f"--cb_explore_adf {EXPLORERS[explorer]} --quiet --interactions sa --ignore_linear s --random_seed 1"
        self.workspace = vowpalwabbit.Workspace(options, enable_logging=False)
        self.actions = [f"|a arm{arm}" for arm in range(arms)]
        # What its text format gives a meaning to is taken out of names.
        self.ids = {}
        self.shared = [self.text(row) for row in features]

    def text(self, row):
        names = (f"f{self.ids.setdefault(name, len(self.ids))}:{value:.6g}" for name, value in row)
        return "shared |s bias " + " ".join(names)

    def distribution(self, place):
        probabilities = self.workspace.predict([self.shared[place], *self.actions])
        return np.array(probabilities) / sum(probabilities)

    def learn(self, chosen):
        for place, arm, reward, probability in chosen:
            lines = list(self.actions)
            lines[arm] = f"0:{-reward}:{probability:.6f} {lines[arm]}"
            self.workspace.learn([self.shared[place], *lines])


class LinUcb:
    def __init__(self, arms, alpha, features):
        names = {}
        for row in features:
            for name, _ in row:
                names.setdefault(name, len(names) + 1)
        self.contexts = np.zeros((len(features), len(names) + 1))
        self.contexts[:, 0] = 1.0
        for place, row in enumerate(features):
            for name, value in row:
                self.contexts[place, names[name]] = value
        self.arms, self.fitted = arms, False
        self.mab = MAB(list(range(arms)), LearningPolicy.LinUCB(alpha=alpha, l2_lambda=1.0), seed=1)

    def distribution(self, place):
        if not self.fitted:
            return np.full(self.arms, 1 / self.arms)
        return np.eye(self.arms)[self.mab.predict(self.contexts[place : place + 1])]

    def learn(self, chosen):
        places, arms, rewards, _ = zip(*chosen)
        self.mab.partial_fit(list(arms), list(rewards), self.contexts[list(places)])
        self.fitted = True


def score(learner, labels, uniforms, batch):
    rewarded = 0
    for start in range(0, len(labels), batch):
        chosen = []
        for place in range(start, min(start + batch, len(labels))):
            probabilities = learner.distribution(place)
            ends = np.cumsum(probabilities)
            arm = min(int(np.searchsorted(ends, uniforms[place], side="right")), len(ends) - 1)
            reward = int(arm == labels[place])
            rewarded += reward
            chosen.append((place, arm, reward, max(float(probabilities[arm]), 1e-6)))
        learner.learn(chosen)
    return rewarded / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--numeric", choices=["linear", "bins"], default="linear")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    asked = parser.parse_args()
    for path in asked.files:
        labels, uniforms, columns = read(path)
        arms, features = max(labels) + 1, encode(columns, asked.numeric == "bins")
        learners = {f"vw {name}": lambda name=name: Vowpal(arms, name, features) for name in EXPLORERS}
        learners["linucb"] = lambda: LinUcb(arms, 0.3, features)
        for name, make in learners.items():
            learner, began = make(), time.process_time()
            reward = score(learner, labels, uniforms, asked.batch)
            said = {"file": path.name, "learner": name, "events": len(labels), "mean_reward": reward}
            print(json.dumps({**said, "cpu_seconds": time.process_time() - began}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
