"""The worker: one process that holds one model and answers batches over one socket.

It speaks the wire protocol of TorchServe 0.12, so either side can be exchanged for TorchServe's own.
`session` is the loop, `frames`, `requests` and `replies` are the bytes, `loader` finds the handler,
`service` calls it, `context` and `metrics` are what the handler sees. Standard library only; the
worker opens no port but its own and writes no files.
"""
