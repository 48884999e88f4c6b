"""Files of settings: JSON from the server, YAML where PyYAML is."""

import importlib.util
import math
import sys
import unittest
from unittest import mock

from support import WorkerTest

from meterbox_worker.document import FILE_BYTES_MAX, DocumentError, read


class Documents(WorkerTest):
    def read(self, text, name="c.json"):
        path = self.folder() / name
        path.write_text(text)
        return read(str(path))

    def test_keys_and_numbers_that_json_lacks_come_from_the_server_as_they_were(self):
        text = '{"":[["names",{"":[[0,"cat"],[null,"none"]]}],["limit",-Infinity],["","odd"],["plain",{"a":1.5}]]}'
        self.assertEqual(self.read(text), {
            "names": {0: "cat", None: "none"}, "limit": -math.inf, "": "odd", "plain": {"a": 1.5},
        })

    @unittest.skipUnless(importlib.util.find_spec("yaml"), "PyYAML is not installed")
    def test_yaml_is_read_with_pyyaml(self):
        self.assertEqual(self.read("a: &x [1, two]\nb: *x\n0: |\n  text\n", "c.yaml"),
                         {"a": [1, "two"], "b": [1, "two"], 0: "text\n"})
        with self.assertRaisesRegex(DocumentError, "c.yaml: "):
            self.read("a: !!python/object/apply:os.system [x]", "c.yaml")

    def test_without_pyyaml_a_person_is_told_what_to_do(self):
        with mock.patch.dict(sys.modules, {"yaml": None}):
            with self.assertRaisesRegex(DocumentError, "c.yaml: is no JSON, and YAML needs PyYAML: install it"):
                self.read("a: 1\n", "c.yaml")

    def test_what_cannot_be_read_is_named(self):
        with self.assertRaisesRegex(DocumentError, "/nonexistent: cannot be read"):
            read("/nonexistent")
        with self.assertRaisesRegex(DocumentError, "longer than"):
            self.read(" " * (FILE_BYTES_MAX + 1))
