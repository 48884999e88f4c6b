"""A model that shows what a handler is given: the inputs, their types and the request headers."""


def readable(value):
    """The value as JSON can hold it; bytes become `{"bytes": text}`."""
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": bytes(value).decode("utf-8", "replace")}
    return value


def handle(data, context):
    """Answers each request with a description of it."""
    if data is None:  # the call at load time
        return None
    answers = []
    for index, row in enumerate(data):
        answers.append({
            "batch_len": len(data),
            "row": {name: readable(value) for name, value in row.items()},
            "row_types": {name: type(value).__name__ for name, value in row.items()},
            "request_id_seen": bool(context.get_request_id(index)),
            "headers": context.get_all_request_header(index),
        })
    return answers
