#!/usr/bin/env python3
"""Trains the classifier on `messages.tsv`, writes `weights.json` beside its handler.

`--check` writes nothing and fails unless the file is what training gives. Both print how many of
the messages of `held_out.tsv`, which training does not see, are sorted right.
"""

import argparse
import collections
import json
import math
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WEIGHTS = HERE.parent / "weights.json"
sys.path.insert(0, str(HERE.parent))

from words import words  # noqa: E402  (beside the handler, which ships it)

#: Added to every count, so that a word of one label only does not rule out the others.
SMOOTHING = 0.5


def read(path):
    """Label and text of every line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t", 1)) for line in lines if line]


def train(messages):
    """Log probabilities of labels and of words per label."""
    labels = sorted({label for label, _ in messages})
    counts = {label: collections.Counter() for label in labels}
    for label, text in messages:
        counts[label].update(words(text))
    vocabulary = sorted({word for counter in counts.values() for word in counter})
    size = {label: sum(counts[label].values()) + SMOOTHING * len(vocabulary) for label in labels}
    shares = collections.Counter(label for label, _ in messages)
    return {
        "labels": labels,
        "priors": [round(math.log(shares[label] / len(messages)), 4) for label in labels],
        "words": {
            word: [round(math.log((counts[label][word] + SMOOTHING) / size[label]), 4) for label in labels]
            for word in vocabulary
        },
    }


def label_of(weights, text):
    """The most likely label."""
    scores = list(weights["priors"])
    for word in words(text):
        for index, weight in enumerate(weights["words"].get(word, ())):
            scores[index] += weight
    return weights["labels"][scores.index(max(scores))]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--check", action="store_true", help="only compare with weights.json")
    chosen = options.parse_args()
    weights = train(read(HERE / "messages.tsv"))
    lines = [f"{json.dumps(word)}: {json.dumps(values)}" for word, values in weights["words"].items()]
    text = (
        f'{{"labels": {json.dumps(weights["labels"])},\n"priors": {json.dumps(weights["priors"])},\n'
        '"words": {\n' + ",\n".join(lines) + "\n}}\n"
    )
    held_out = read(HERE / "held_out.tsv")
    right = sum(label_of(weights, message) == label for label, message in held_out)
    print(f"held out: {right} of {len(held_out)} right")
    if not chosen.check:
        WEIGHTS.write_text(text, encoding="utf-8")
    elif WEIGHTS.read_text(encoding="utf-8") != text:
        sys.exit(f"{WEIGHTS} is not what training gives: run {Path(__file__).name}")


if __name__ == "__main__":
    main()
