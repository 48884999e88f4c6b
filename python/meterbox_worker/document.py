"""Reads the files of settings that the server hands over as JSON.

A worker that is run by hand may be given YAML; PyYAML then reads it, as data only.
"""

from __future__ import annotations

import json
from typing import Any, Dict

#: Larger files are refused, in bytes.
FILE_BYTES_MAX = 1 << 20


class DocumentError(Exception):
    """Why a file cannot be read: the file, and what is wrong."""


def read(path: str) -> Any:
    """What the file holds."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(FILE_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: cannot be read: {error}") from None
    if len(text) > FILE_BYTES_MAX:
        raise DocumentError(f"{path}: longer than {FILE_BYTES_MAX} bytes")
    try:
        return json.loads(text, object_hook=with_any_keys)
    except ValueError:
        return read_yaml(path, text)


def with_any_keys(found: Dict[str, Any]) -> Dict[Any, Any]:
    """The map that the server wrote as pairs, since not all of its keys are texts."""
    return dict(found[""]) if "" in found else found


def read_yaml(path: str, text: str) -> Any:
    """What PyYAML reads, where it is installed."""
    try:
        import yaml  # type: ignore
    except ImportError:
        raise DocumentError(
            f"{path}: is no JSON, and YAML needs PyYAML: install it, or let the server start this worker"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DocumentError(f"{path}: {error}") from None
