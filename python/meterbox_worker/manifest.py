"""What an unpacked archive says about itself: `MAR-INF/MANIFEST.json` and its `configFile`.

The server has read both before; here they only become what the handler finds in its context.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict

from .document import DocumentError, read
from .errors import LoadError

#: Where the manifest lies in the model's folder.
PLACE = os.path.join("MAR-INF", "MANIFEST.json")
#: Where the server leaves the `configFile` as JSON.
CONFIG_PLACE = os.path.join("MAR-INF", "config.json")


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
    from_server = os.path.join(model_dir, CONFIG_PLACE)
    path = from_server if os.path.exists(from_server) else os.path.join(model_dir, name)
    try:
        config = read(path)
    except DocumentError as error:
        raise LoadError(str(error)) from None
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise LoadError(f"{name}: keys with values are expected")
    return config
