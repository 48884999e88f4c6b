#!/usr/bin/env python3
"""Packs model folders into archives: `archiver.py --help` says how."""

import sys

from meterbox_archiver.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
