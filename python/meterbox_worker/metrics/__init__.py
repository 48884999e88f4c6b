"""`context.metrics`: a handler's own metrics, written as lines on stdout for the server to read.

`lines` collects and writes, `cache` is the interface of handlers, `metric` one metric, `units` the words.
The server decides what becomes of a line; nothing is summed up here.
"""
