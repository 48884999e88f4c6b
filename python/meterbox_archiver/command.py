"""The command line of the archiver: reads options, packs, prints what it wrote.

Exit codes: 0 done, 1 an archive cannot be made, 2 bad usage.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from .pack import pack
from .recipe import DESCRIPTION, SUFFIXES, ArchiveError, Recipe, from_folder, manifest, walk

EPILOG = """\
examples:
  archiver.py models/echo --store model_store
  archiver.py --all models --store model_store
  archiver.py --model-name echo --version 1.0 --handler service.py --store model_store

model.json of a folder:
  {"modelName": "echo", "modelVersion": "1.0", "handler": "service.py",
   "serializedFile": "weights.json", "configFile": "model-config.yaml",
   "format": "zip", "exclude": ["training"]}
  All keys but handler may be left out; the archive is named after the folder.
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="archiver.py",
        description="Packs models into archives for the model store.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = options.add_argument_group("what to pack (one of these)")
    what.add_argument("folder", nargs="?", type=Path, help=f"a folder with a {DESCRIPTION}")
    what.add_argument("--all", type=Path, metavar="DIR",
                      help=f"every sub-folder of DIR with a {DESCRIPTION}; its *.mar are copied")
    what.add_argument("--model-name", metavar="NAME", help="a model put together from the options below")
    model = options.add_argument_group("with --model-name")
    model.add_argument("--version", default="1.0", help="the model's version (1.0)")
    model.add_argument("--handler", metavar="FILE", help="the Python file that predicts, or FILE:FUNCTION")
    model.add_argument("--serialized-file", type=Path, metavar="FILE", help="the weights")
    model.add_argument("--config-file", type=Path, metavar="FILE", help="settings of the model in YAML")
    model.add_argument("--requirements-file", type=Path, metavar="FILE", help="Python packages it needs")
    model.add_argument("--extra-files", metavar="A,B", default="", help="further files and folders")
    model.add_argument("--runtime", default="python", help="python or python3")
    options.add_argument("--format", choices=sorted(SUFFIXES), default=None,
                         help="zip (.mar), tgz (.tar.gz) or no-archive (a folder)")
    options.add_argument("--store", "--export-path", type=Path, required=True, metavar="STORE",
                         help="the folder to write to; archives of the same name are replaced")
    return options


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code."""
    options = parser()
    chosen = options.parse_args(arguments)
    given = [chosen.folder, chosen.all, chosen.model_name]
    if sum(one is not None for one in given) != 1:
        options.error("name one of: a folder, --all DIR, --model-name NAME")
    if chosen.model_name is not None and not chosen.handler:
        options.error("--model-name needs --handler FILE")
    try:
        written = [pack(recipe, chosen.store) for recipe in recipes(chosen)]
        if chosen.all is not None:
            written += copy_archives(chosen.all, chosen.store)
    except ArchiveError as error:
        print(f"archiver.py: {error}", file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


def recipes(chosen: argparse.Namespace) -> List[Recipe]:
    """What the options ask for."""
    if chosen.model_name is not None:
        return [from_options(chosen)]
    if chosen.folder is not None:
        folders = [chosen.folder.resolve()]
    else:
        if not chosen.all.is_dir():
            raise ArchiveError(f"{chosen.all}: is no folder")
        folders = sorted(path.parent for path in chosen.all.resolve().glob(f"*/{DESCRIPTION}"))
        if not folders:
            raise ArchiveError(f"{chosen.all}: no sub-folder has a {DESCRIPTION}")
    made = [from_folder(folder) for folder in folders]
    if chosen.format is not None:
        made = [Recipe(one.name, one.manifest, one.files, chosen.format) for one in made]
    return made


def from_options(chosen: argparse.Namespace) -> Recipe:
    """A recipe from single files. As TorchServe's archiver has it, all go to the top of the archive."""
    files: Dict[str, Path] = {}

    def take(path: Path) -> str:
        if path.is_dir():
            for place, file in walk(path).items():
                put(f"{path.name}/{place}", file)
        elif path.is_file():
            put(path.name, path)
        else:
            raise ArchiveError(f"{path}: no such file")
        return path.name

    def put(place: str, file: Path) -> None:
        if files.setdefault(place, file) != file:
            raise ArchiveError(f"{file}: {place!r} is already in the archive, from {files[place]}")

    code, colon, function = chosen.handler.partition(":")
    handler_file = Path(code if code.endswith(".py") else code + ".py")
    handler = take(handler_file)
    model = {"modelName": chosen.model_name, "modelVersion": chosen.version,
             "handler": handler[:-3] + colon + function if colon else handler}
    named: Dict[str, Optional[Path]] = {
        "serializedFile": chosen.serialized_file,
        "requirementsFile": chosen.requirements_file,
        "configFile": chosen.config_file,
    }
    for key, path in named.items():
        if path is not None:
            model[key] = take(path)
    for extra in filter(None, chosen.extra_files.split(",")):
        take(Path(extra.strip()))
    document = manifest(model, runtime=chosen.runtime)
    return Recipe(chosen.model_name, document, files, chosen.format or "zip")


def copy_archives(folder: Path, store: Path) -> List[Path]:
    """Copies archives that are packed already."""
    written = []
    for archive in sorted(folder.glob("*.mar")):
        beside = store / f".packing-{archive.name}"
        try:
            shutil.copyfile(str(archive), str(beside))
            beside.replace(store / archive.name)
        except OSError as error:
            raise ArchiveError(f"{archive}: cannot be copied to {store}: {error}") from None
        written.append(store / archive.name)
    return written
