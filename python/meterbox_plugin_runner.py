#!/usr/bin/env python3
"""Runs one Python plugin for the server, which talks to it over standard input (docs/RUNNER-PROTOCOL.md).

The server starts it as `python3 -I -u meterbox_plugin_runner.py PATH`.
"""

import os
import sys

# An isolated interpreter does not look beside its program.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from meterbox_plugin.runner import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1:])
