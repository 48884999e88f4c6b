"""The base class of handlers, without torch: the steps of an answer, timed as `HandlerTime`.

Nothing is loaded from `serializedFile`: a handler that needs weights reads them in `initialize`.
"""

from time import perf_counter


class BaseHandler:
    """Override `initialize`, `preprocess`, `inference` and `postprocess`."""

    def __init__(self):
        self.model = None
        self.context = None
        self.manifest = None
        self.model_yaml_config = {}
        self.device = "cpu"
        self.map_location = "cpu"
        self.explain = False
        self.initialized = False

    def initialize(self, context):
        """Called once, when the worker loads the model."""
        self.context = context
        self.manifest = context.manifest
        self.model_yaml_config = context.model_yaml_config
        self.initialized = True

    def preprocess(self, data):
        """From what clients sent to what the model takes."""
        return data

    def inference(self, data, *args, **kwargs):
        """From inputs to outputs: `self.model` is called if it is set."""
        if self.model is None:
            raise NotImplementedError("inference: override it, or set self.model in initialize")
        return self.model(data, *args, **kwargs)

    def postprocess(self, data):
        """From outputs to what clients get: a list, one value per request."""
        return data.tolist() if hasattr(data, "tolist") else data

    def handle(self, data, context):
        """Answers a batch."""
        begin = perf_counter()
        self.context = context
        if self._is_describe():
            output = [self.describe_handle()]
        else:
            inputs = self.preprocess(data)
            if self._is_explain():
                output = self.explain_handle(inputs, data)
            else:
                output = self.postprocess(self.inference(inputs))
        context.metrics.add_time("HandlerTime", round((perf_counter() - begin) * 1000, 2), None, "ms")
        return output

    def explain_handle(self, data_preprocess, raw_data):
        """Answers a request for an explanation: `get_insights` of the handler, per request."""
        insights = getattr(self, "get_insights", None)
        if insights is None:
            raise NotImplementedError("this handler explains nothing: it has no get_insights")
        row = raw_data[0]
        target = 0
        if isinstance(row, dict):
            inputs = row.get("data") or row.get("body")
            target = inputs.get("target", 0) if isinstance(inputs, dict) else 0
        return [insights(data_preprocess, inputs if isinstance(row, dict) else row, target)]

    def describe_handle(self):
        """What the model says about itself when it is described."""
        return None

    def _is_explain(self):
        if self.context and self.context.get_request_header(0, "explain") == "True":
            self.explain = True
            return True
        return False

    def _is_describe(self):
        return bool(self.context) and self.context.get_request_header(0, "describe") == "True"
