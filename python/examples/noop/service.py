"""A model that does nothing but what every handler does: take a batch, answer it, time the steps."""

from time import perf_counter


class NoopService:
    """Answers `OK` to each request."""

    def __init__(self):
        self.initialized = False

    def initialize(self, context):
        """Called once, when the worker loads the model. A real model reads its weights here."""
        self.initialized = True

    def preprocess(self, data):
        """From what clients sent to what the model takes."""
        return data

    def inference(self, inputs):
        """From inputs to outputs."""
        return ["OK"] * len(inputs)

    def postprocess(self, outputs):
        """From outputs to what clients get."""
        return outputs

    def handle(self, data, context):
        """Answers a batch: `data` has one dict per request, the answer one value per request."""
        begin = perf_counter()
        inputs = self.preprocess(data)
        prepared = perf_counter()
        outputs = self.inference(inputs)
        inferred = perf_counter()
        answers = self.postprocess(outputs)
        end = perf_counter()
        for index in range(len(data)):
            context.set_response_content_type(index, "text/plain")
        metrics = context.metrics
        metrics.add_time("PreprocessTime", round((prepared - begin) * 1000, 3))
        metrics.add_time("InferenceTime", round((inferred - prepared) * 1000, 3))
        metrics.add_time("PostprocessTime", round((end - inferred) * 1000, 3))
        metrics.add_time("HandlerTime", round((end - begin) * 1000, 3))
        return answers
