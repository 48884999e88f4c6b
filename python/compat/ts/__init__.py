"""The modules that handlers import from TorchServe 0.12, as far as they need no torch.

An installed TorchServe goes before these.
"""

__version__ = "0.12.0"
