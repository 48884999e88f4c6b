"""Archives are the same each time, and what cannot be packed is refused with a reason."""

import contextlib
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

from support import EXAMPLES, MODELS, WorkerTest

from meterbox_archiver.command import main

MODEL = '{"modelName": "m", "modelVersion": "2.0", "handler": "service.py"}'


class Archiver(WorkerTest):
    def setUp(self):
        self.store = self.folder()

    def run_main(self, *arguments):
        """Exit code, stdout and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([str(one) for one in arguments])
            except SystemExit as exit_:
                code = exit_.code
        return code, out.getvalue(), err.getvalue()

    def pack(self, *arguments):
        """The archives written."""
        code, out, err = self.run_main(*arguments, "--store", self.store)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([one.name for one in self.store.iterdir() if one.name.startswith(".")], [])
        return [Path(line) for line in out.splitlines()]

    def refused(self, reason, *arguments):
        code, out, err = self.run_main(*arguments, "--store", self.store)
        self.assertEqual((code, out), (1, ""))
        self.assertIn(reason, err)

    def test_noop_is_what_the_server_registers_as_1_11(self):
        archive, = self.pack(EXAMPLES / "noop")
        self.assertEqual(archive, self.store / "noop.mar")
        with zipfile.ZipFile(str(archive)) as opened:
            self.assertEqual(opened.namelist(), ["MAR-INF/MANIFEST.json", "model.pt", "service.py"])
            manifest = json.loads(opened.read("MAR-INF/MANIFEST.json"))
            self.assertEqual(opened.read("model.pt"), b"")
            self.assertEqual({one.date_time for one in opened.infolist()}, {(1980, 1, 1, 0, 0, 0)})
        model = manifest["model"]
        self.assertEqual((model["modelName"], model["modelVersion"], model["handler"]),
                         ("noop", "1.11", "service.py"))
        self.assertEqual(manifest["runtime"], "python")
        self.assertNotIn("archiverVersion", manifest)

    def test_the_same_folder_gives_the_same_bytes_in_every_format(self):
        folder = self.folder(model__json=MODEL, service__py="x\n", b__txt="b", a__txt="a")
        for form, name in (("zip", ".mar"), ("tgz", ".tar.gz")):
            first = self.pack(folder, "--format", form)[0]
            self.assertTrue(first.name.endswith(name))
            content = first.read_bytes()
            os.utime(str(folder / "a.txt"), (1, 1))
            os.chmod(str(folder / "b.txt"), 0o600)
            self.assertEqual(self.pack(folder, "--format", form)[0].read_bytes(), content)
        with tarfile.open(str(first)) as opened:
            self.assertEqual(opened.getnames(), ["MAR-INF/MANIFEST.json", "a.txt", "b.txt", "service.py"])

    def test_a_folder_can_stay_a_folder_and_is_replaced(self):
        folder = self.folder(model__json=MODEL, service__py="x\n", old__txt="")
        written, = self.pack(folder, "--format", "no-archive")
        (folder / "old.txt").unlink()
        again, = self.pack(folder, "--format", "no-archive")
        self.assertEqual(written, again)
        files = sorted(one.relative_to(again).as_posix() for one in again.rglob("*") if one.is_file())
        self.assertEqual(files, ["MAR-INF/MANIFEST.json", "service.py"])

    def test_all_packs_every_model_and_copies_what_is_packed(self):
        written = self.pack("--all", MODELS)
        folders = {one.parent.name + ".mar" for one in MODELS.glob("*/model.json")}
        self.assertEqual({one.name for one in written}, folders | {"broken.mar"})
        self.assertEqual((self.store / "broken.mar").read_bytes(), (MODELS / "broken.mar").read_bytes())
        with zipfile.ZipFile(str(self.store / "noop_v2.mar")) as opened:
            manifest = json.loads(opened.read("MAR-INF/MANIFEST.json"))
        self.assertEqual((manifest["model"]["modelName"], manifest["model"]["modelVersion"]), ("noop", "2.0"))

    def test_a_model_can_be_put_together_from_options(self):
        folder = self.folder(code__py="x\n", weights__json="{}", conf__yaml="minWorkers: 1\n", extra__txt="e")
        (folder / "data").mkdir()
        (folder / "data" / "d.txt").write_text("d")
        archive, = self.pack(
            "--model-name", "made", "--version", "3.1", "--handler", f"{folder / 'code'}:go",
            "--serialized-file", folder / "weights.json", "--config-file", folder / "conf.yaml",
            "--extra-files", f"{folder / 'extra.txt'},{folder / 'data'}",
        )
        with zipfile.ZipFile(str(archive)) as opened:
            self.assertEqual(opened.namelist(), ["MAR-INF/MANIFEST.json", "code.py", "conf.yaml",
                                                 "data/d.txt", "extra.txt", "weights.json"])
            model = json.loads(opened.read("MAR-INF/MANIFEST.json"))["model"]
        self.assertEqual(model, {"modelName": "made", "modelVersion": "3.1", "handler": "code:go",
                                 "serializedFile": "weights.json", "configFile": "conf.yaml"})

    def test_what_is_excluded_and_what_python_leaves_behind_stays_out(self):
        described = json.loads(MODEL)
        described["exclude"] = ["training", "notes.txt"]
        folder = self.folder(model__json=json.dumps(described), service__py="", notes__txt="")
        for inner in ("training", "__pycache__"):
            (folder / inner).mkdir()
            (folder / inner / "x.txt").write_text("x")
        archive, = self.pack(folder)
        with zipfile.ZipFile(str(archive)) as opened:
            self.assertEqual(opened.namelist(), ["MAR-INF/MANIFEST.json", "service.py"])

    def test_what_cannot_be_packed_is_refused_with_a_reason(self):
        cases = {
            "no JSON": "{",
            "an object is expected": "[]",
            "unknown key 'modelname'": '{"modelname": "m"}',
            "is no name": '{"modelName": "../m", "handler": "service.py"}',
            "no handler": '{"modelName": "m"}',
            "runtime 'cobol' is unknown": '{"modelName": "m", "handler": "service.py", "runtime": "cobol"}',
            "format 'rar' is unknown": '{"modelName": "m", "handler": "service.py", "format": "rar"}',
            "'w.json' is not among the files":
                '{"modelName": "m", "handler": "service.py", "serializedFile": "w.json"}',
            "a list of paths": '{"modelName": "m", "handler": "service.py", "exclude": "x"}',
        }
        for reason, text in cases.items():
            with self.subTest(reason):
                self.refused(reason, self.folder(model__json=text, service__py=""))
        self.refused("missing", self.folder())
        self.refused("is no folder", "--all", "/nonexistent")
        self.refused("no sub-folder has a model.json", "--all", self.folder())
        self.refused("no such file", "--model-name", "m", "--handler", "/nonexistent.py")
        linked = self.folder(model__json=MODEL, service__py="")
        (linked / "secret").symlink_to("/etc/hostname")
        self.refused("is a link", linked)
        self.assertEqual(list(self.store.iterdir()), [])

    def test_bad_usage_is_exit_code_2(self):
        for arguments in ([], ["--all", "x", "--model-name", "y"], ["--model-name", "m"]):
            self.assertEqual(self.run_main(*arguments, "--store", self.store)[0], 2)
        self.assertEqual(self.run_main("x")[0], 2)
        code, out, _ = self.run_main("--help")
        self.assertEqual(code, 0)
        self.assertIn("model.json of a folder", out)

    def test_a_store_that_cannot_be_written_is_named(self):
        self.store = self.folder(file="") / "file"
        self.refused("cannot be written", EXAMPLES / "noop")
