#!/usr/bin/env python3
"""Runs one model's code for the server; takes the command line of TorchServe 0.12's worker."""

import sys

from meterbox_worker.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
