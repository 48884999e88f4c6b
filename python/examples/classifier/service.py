"""Sorts messages to a shop by their subject: multinomial naive Bayes in plain Python.

Send the text as `text/plain`, as form field `text`, or as JSON `{"text": "..."}`. The answer is JSON
with the label and the probability of each label. The weights come from `training/train.py`.
"""

import json
import math
import os

from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes
from ts.torch_handler.base_handler import BaseHandler

from words import words


class Classifier(BaseHandler):
    """One answer per text; a request without a text gets 400, the others of its batch do not."""

    def initialize(self, context):
        super().initialize(context)
        folder = context.system_properties["model_dir"]
        file = os.path.join(folder, context.manifest["model"]["serializedFile"])
        with open(file, encoding="utf-8") as weights:
            self.weights = json.load(weights)
        self.labels = self.weights["labels"]
        self.confidence = context.model_yaml_config.get("classifier", {}).get("confidence", 0.5)

    def preprocess(self, data):
        return [text_of(row) for row in data]

    def inference(self, texts):
        return [None if text is None else self.probabilities(text) for text in texts]

    def postprocess(self, outputs):
        answers = []
        for index, probabilities in enumerate(outputs):
            self.context.set_response_content_type(index, "application/json")
            if probabilities is None:
                self.context.set_response_status(400, "Bad Request", index)
                answers.append({"error": "no text: send text/plain, or JSON with the key text"})
                continue
            best = max(probabilities, key=probabilities.get)
            label = best if probabilities[best] >= self.confidence else "unsure"
            self.count(index, label, probabilities[best])
            rounded = {one: round(value, 4) for one, value in probabilities.items()}
            answers.append({"label": label, "probabilities": rounded})
        return answers

    def probabilities(self, text):
        """The probability of each label; the priors alone if no word is known."""
        scores = list(self.weights["priors"])
        known = self.weights["words"]
        for word in words(text):
            for index, weight in enumerate(known.get(word, ())):
                scores[index] += weight
        highest = max(scores)
        shares = [math.exp(score - highest) for score in scores]
        return {label: share / sum(shares) for label, share in zip(self.labels, shares)}

    def count(self, index, label, confidence):
        """The model's own metrics."""
        metrics = self.context.metrics
        metrics.add_counter("TextsClassified", 1, index, [Dimension("label", label)])
        metrics.add_metric(
            "ClassifierConfidence", round(confidence, 4), "ratio", index,
            metric_type=MetricTypes.HISTOGRAM,
        )


def text_of(row):
    """The text of a request, `None` if it has none."""
    for name in ("text", "data", "body"):
        value = row.get(name)
        if isinstance(value, dict):
            value = value.get("text")
        if isinstance(value, (bytes, bytearray)):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, str) and value.strip():
            return value
    return None
