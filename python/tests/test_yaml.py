"""The plain YAML of configuration files."""

import importlib.util
import unittest

import support  # noqa: F401  (makes the worker importable)

from meterbox_worker.plain_yaml import YamlError, parse

PLAIN = """\
---
# settings
minWorkers: 1
maxWorkers: 2   # two
name: "a # b"
single: 'it''s'
url: http://host:80/path
time: 12:30
negative: -5
float: 1.5e3
empty:
tilde: ~
yes_word: yes
truth: true
deviceIds: [0, 1, 'x,y']
flow: {a: 1, "b": [c, {d: e}]}
dash-key: v
nested:
  deeper:
    deepest: ok
  list:
  - one
  - two
items:
  - name: first
    values: [1]
  -
    name: second
  - - inner
    - &anchor 7
again: *anchor
escaped: "tab\\tquote\\""
"""


class Yaml(unittest.TestCase):
    def test_what_configuration_files_are_written_in_is_read(self):
        self.assertEqual(parse(PLAIN), {
            "minWorkers": 1, "maxWorkers": 2, "name": "a # b", "single": "it's",
            "url": "http://host:80/path", "time": "12:30", "negative": -5, "float": 1500.0,
            "empty": None, "tilde": None, "yes_word": "yes", "truth": True, "deviceIds": [0, 1, "x,y"],
            "flow": {"a": 1, "b": ["c", {"d": "e"}]}, "dash-key": "v",
            "nested": {"deeper": {"deepest": "ok"}, "list": ["one", "two"]},
            "items": [{"name": "first", "values": [1]}, {"name": "second"}, ["inner", 7]],
            "again": 7, "escaped": 'tab\tquote"',
        })

    @unittest.skipUnless(importlib.util.find_spec("yaml"), "PyYAML is not installed")
    def test_pyyaml_reads_the_same(self):
        import yaml

        theirs = yaml.safe_load(PLAIN)
        # YAML 1.1 knows words and numbers that nobody means here.
        theirs.update(yes_word="yes", time="12:30", float=1500.0)
        self.assertEqual(parse(PLAIN), theirs)

    def test_nothing_is_nothing(self):
        for text in ("", "# only\n", "---\n", "\n\n"):
            self.assertIsNone(parse(text))

    def test_what_is_not_plain_is_refused_with_its_line(self):
        cases = {
            "a: 1\nb: |\n  text": "2: '|' begins",
            "a: !!python/object/apply:os.system [x]": "1: '!' begins",
            "a: [1,\n  2]": "1: ']' is missing",
            "a: {b 1}": "1: a ':' is missing",
            "a: {[1]: 2}": "1: a list or map is no key",
            'a: "open': "1: the quote",
            'a: "\\q"': "1: the escape",
            "a: *x": "1: there is no anchor",
            "a: &x\n  b: 1": "1: &x names no value",
            "\ta: 1": "1: a tab",
            "a: 1\n   b: 2": "2: this indentation",
            "a: 1\na: 2": "2: key 'a' stands here twice",
            "a: 'x' y": "1: 'y' follows a value",
            "a: " + "[" * 100 + "]" * 100: "1: nested deeper",
            "- " * 100 + "x": "1: nested deeper",
        }
        for text, reason in cases.items():
            with self.subTest(reason), self.assertRaises(YamlError) as caught:
                parse(text)
            self.assertTrue(str(caught.exception).startswith(reason), (str(caught.exception), reason))
