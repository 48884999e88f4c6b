"""What an unpacked archive says about itself: `MAR-INF/MANIFEST.json` and its `configFile`.

The server has read both before; here they only become what the handler finds in its context.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict

from .errors import LoadError
from .plain_yaml import YamlError, read

#: Where the manifest lies in the model's folder.
PLACE = os.path.join("MAR-INF", "MANIFEST.json")


def read_manifest(model_dir: str) -> Dict[str, Any]:
    """The manifest; empty if the archive has none, which is allowed."""
    path = os.path.join(model_dir, PLACE)
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: cannot be read: {error}") from None
    if not isinstance(manifest, dict):
        raise LoadError(f"{path}: an object is expected")
    return manifest


def read_config(model_dir: str, manifest: Dict[str, Any]) -> Dict[str, Any]:
    """The model's settings; empty if it has none."""
    model = manifest.get("model")
    name = model.get("configFile") if isinstance(model, dict) else None
    if not name:
        return {}
    try:
        config = read(os.path.join(model_dir, name))
    except YamlError as error:
        raise LoadError(str(error)) from None
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise LoadError(f"{name}: keys with values are expected")
    return config
