"""The example models do what they say."""

import json
import subprocess
import sys
from pathlib import Path

from support import DEADLINE, EXAMPLES, PYTHON, Input, WorkerTest, form, infer

from meterbox_archiver.pack import pack
from meterbox_archiver.recipe import Recipe, from_folder


class Noop(WorkerTest):
    def test_it_answers_ok_and_times_its_steps(self):
        worker = self.loaded(EXAMPLES / "noop", name="noop")
        answer = worker.wire.ask(infer(Input())).predictions[0]
        self.assertEqual((answer.body, answer.content_type), (b"OK", "text/plain"))
        begins = [line.split(":")[0] for line in worker.metrics(5)]
        self.assertEqual(begins, [
            "[METRICS]PreprocessTime.Milliseconds", "[METRICS]InferenceTime.Milliseconds",
            "[METRICS]PostprocessTime.Milliseconds", "[METRICS]HandlerTime.ms", "[METRICS]PredictionTime.ms",
        ])


class Classifier(WorkerTest):
    def classifier(self):
        """Loaded as the server does it: from what is in its archive."""
        recipe = from_folder(EXAMPLES / "classifier")
        unpacked = pack(Recipe(recipe.name, recipe.manifest, recipe.files, "no-archive"), self.folder())
        return self.loaded(Path(unpacked), name="classifier")

    def test_it_sorts_texts_however_they_are_sent(self):
        worker = self.classifier()
        text = "I was charged twice, please refund my card"
        requests = [
            Input("a", {"body": ("text/plain", text.encode())}),
            Input("b", {"body": ("application/json", json.dumps({"text": text}).encode())}),
            form(text=text)._replace(id="c"),
            form(data="The parcel is late and tracking shows nothing")._replace(id="d"),
        ]
        answers = worker.wire.ask(infer(*requests)).predictions
        documents = [json.loads(one.body) for one in answers]
        self.assertEqual([one["label"] for one in documents], ["billing"] * 3 + ["delivery"])
        self.assertEqual({one.content_type for one in answers}, {"application/json"})
        for document in documents:
            self.assertAlmostEqual(sum(document["probabilities"].values()), 1, places=3)
            self.assertEqual(sorted(document["probabilities"]), ["account", "billing", "delivery", "product"])

    def test_unknown_words_are_unsure_and_no_text_fails_alone(self):
        worker = self.classifier()
        unsure, missing = worker.wire.ask(infer(form(text="zzz qqq"), Input("none", {}))).predictions
        self.assertEqual(json.loads(unsure.body)["label"], "unsure")
        self.assertEqual((unsure.status, missing.status, missing.phrase), (200, 400, "Bad Request"))

    def test_it_counts_labels_and_observes_its_confidence(self):
        worker = self.classifier()
        worker.wire.ask(infer(form(text="I forgot my password and cannot log in")))
        lines = worker.metrics(4)
        self.assertIn("TextsClassified.Count:1|#label:account,ModelName:classifier,Level:Model|#type:COUNTER",
                      lines[0])
        self.assertIn("ClassifierConfidence.ratio:", lines[1])
        self.assertIn("|#type:HISTOGRAM|", lines[1])
        self.assertIn("HandlerTime.ms:", lines[2])

    def test_its_weights_are_what_training_gives(self):
        script = EXAMPLES / "classifier" / "training" / "train.py"
        done = subprocess.run([sys.executable, "-B", str(script), "--check"], capture_output=True, text=True,
                              timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        right, _, of = done.stdout.split(": ")[1].split()[:3]
        self.assertGreaterEqual(int(right) / int(of), 0.9)


class Bench(WorkerTest):
    def test_the_benchmark_prints_its_figures(self):
        done = subprocess.run([sys.executable, "-B", str(PYTHON / "bench_worker.py"), "--seconds", "0.05"],
                              capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^bare worker loop, concurrency 1: \d+/s, p50 \d+ us, p99 \d+ us$")
