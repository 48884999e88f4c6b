"""Payloads, frames, batches and cells of Python plugins are those of docs/RUNNER-PROTOCOL.md."""

import re
import socket
import struct
import threading
import unittest

from support import REPOSITORY

from meterbox_plugin import batches, gathered
from meterbox_plugin.batches import Columns, Head
from meterbox_plugin.cells import Cells
from meterbox_plugin.codes import UNSET, Kind, Message
from meterbox_plugin.errors import Ended, FrameError
from meterbox_plugin.families import LABEL_NAME, METRIC_NAME, Families
from meterbox_plugin.lane import Lane
from meterbox_plugin.rows import Event
from meterbox_plugin.wire import Put, Take


class Numbers(unittest.TestCase):
    def test_every_message_has_the_number_that_the_page_says(self):
        page = (REPOSITORY / "docs" / "RUNNER-PROTOCOL.md").read_text(encoding="utf-8")
        stated = {name: int(number, 16) for number, name in re.findall(r"^\| (0x[0-9a-f]{2}) \| ([A-Z_]+) \|", page, re.M)}
        self.assertGreater(len(stated), 20)
        self.assertEqual(stated, {message.name: message.value for message in Message})


class Payloads(unittest.TestCase):
    def test_every_field_is_little_endian_and_unpadded(self):
        put = Put().u8(1).u16(2).u32(3).u64(4).f64(0.5).text("é").bytes(b"\x00").texts(["a", ""])
        content = put.whole()
        expected = bytes.fromhex(
            "01 0200 03000000 0400000000000000 000000000000e03f 02000000c3a9 0100000000"
            "02000000 0100000061 00000000"
        )
        self.assertEqual(content, expected)
        take = Take(content)
        read = (take.u8(), take.u16(), take.u32(), take.u64(), take.f64(), take.text(), take.bytes(), take.texts())
        self.assertEqual(read, (1, 2, 3, 4, 0.5, "é", b"\x00", ["a", ""]))
        take.end()

    def test_a_table_keeps_texts_and_numbers(self):
        put = Put()
        content = put.list([{1: 32.0, 8: "gone"}, {}], put.row).whole()
        rows = Take(content).table()
        self.assertEqual(rows, [{1: 32.0, 8: "gone"}, {}])
        self.assertEqual(Event.read({1: 1.0, 11: 200.0, 7: "/x"})[:1], (1,))
        self.assertEqual(Event.read({1: 1.0, 11: 200.0, 7: "/x"}).status, 200)

    def test_a_payload_cut_anywhere_is_a_frame_error(self):
        content = Put().u16(7).text("name").u64(1).texts(["a", "b"]).whole()
        for end in range(len(content)):
            with self.subTest(end=end), self.assertRaises(FrameError):
                take = Take(content[:end])
                take.u16(), take.text(), take.u64(), take.texts()

    def test_lengths_that_cannot_be_and_broken_text_are_frame_errors(self):
        for content in (b"\xff\xff\xff\xff", b"\x02\0\0\0\xff\xfe"):
            with self.assertRaises(FrameError):
                Take(content).text()
        with self.assertRaises(FrameError):
            Take(b"\xff\xff\xff\x7f").texts()
        with self.assertRaises(FrameError):
            Take(Put().u32(1).u32(1).u32(1).u8(9).whole()).table()


class Lanes(unittest.TestCase):
    def setUp(self):
        self.here, self.there = socket.socketpair()
        self.addCleanup(self.here.close)
        self.addCleanup(self.there.close)
        self.lane = Lane(self.here)

    def test_frames_arrive_however_they_are_cut(self):
        frames = [(0x15, b""), (0x16, b"abc"), (0x17, b"x" * 300_000)]
        content = b"".join(struct.pack("<IHH", len(body), kind, 0) + body for kind, body in frames)
        for size in (1000, 7, len(content)):
            step = [content[at:at + size] for at in range(0, min(len(content), 40 * size), size)]
            rest = content[40 * size:]

            def send(step=step, rest=rest):
                for piece in step + [rest]:
                    self.there.sendall(piece)

            sender = threading.Thread(target=send)
            sender.start()
            for kind, body in frames:
                found, payload = self.lane.receive()
                self.assertEqual((found, bytes(payload)), (kind, body))
            sender.join()

    def test_queued_frames_go_out_in_one_write_with_the_next(self):
        self.lane.queue(0x2B, b"reply")
        self.there.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.there.recv(1)
        self.there.setblocking(True)
        self.lane.send(0x1F, b"done")
        expected = bytes.fromhex("05000000 2b00 0000") + b"reply" + bytes.fromhex("04000000 1f00 0000") + b"done"
        self.assertEqual(self.there.recv(100), expected)

    def test_flags_and_huge_lengths_are_frame_errors_and_the_end_is_the_end(self):
        for header in (struct.pack("<IHH", 0, 0x15, 1), struct.pack("<IHH", (64 << 20) + 1, 0x15, 0)):
            self.there.sendall(header)
            with self.assertRaises(FrameError):
                Lane(self.here).receive()
        self.there.close()
        with self.assertRaises(Ended):
            self.lane.receive()
        with self.assertRaises(Ended):
            self.lane.send(1, b"")


class Batches(unittest.TestCase):
    def test_a_family_and_a_segment_have_the_bytes_of_the_protocol(self):
        head = Head(Kind.HISTOGRAM, "h", "é", "", "", (0.5,), 4)
        columns = Columns(b'a="b"', [5], [], [1, 2], [3], [4.5])
        family = batches.family(head)
        self.assertEqual(family, bytes.fromhex(
            "0100000000000000 03000000 04000000 0100000001000000 6800000000000000"
            "0200000001000000 c3a9000000000000 0000000001000000 0000000001000000"
            "0100000008000000 000000000000e03f"
        ))
        segment = batches.segment(columns)
        self.assertEqual(segment[:24], struct.pack("<QQQ", 2, 0, 6))
        self.assertEqual(segment[24:40], struct.pack("<II", 5, 1) + b'a="b"\0\0\0')
        self.assertEqual(len(segment) % 8, 0)
        [read] = gathered.read([family, segment])
        [sample] = read
        self.assertEqual((read.kind.word, read.help, read.bounds), ("histogram", "é", (0.5,)))
        self.assertEqual(sample, ('a="b"', None, 3, 4.5, (1, 2)))

    def test_collected_families_come_back_in_segments_of_256(self):
        batch = []
        families = Families((), lambda content: bool(batch.append(content)))
        rows = families.gauge("big", "Many.")
        for number in range(600):
            rows.sample(number, number=number)
        families.summary("odd", "Escapes.").total(2, 3.5, {"what": 'a\\b"c\nd'})
        families.finish()
        families.check()
        found = batches.read(batch)
        self.assertEqual([len(segment.label_ends) for segment in found[0].segments], [256, 256, 88])
        big, odd = gathered.read(batch)
        self.assertEqual([sample.value for sample in big], list(range(600)))
        self.assertEqual(list(odd)[0].labels, {"what": 'a\\b"c\nd'})
        self.assertEqual(list(odd)[0][1:4], (None, 2, 3.5))

    def test_what_is_not_wanted_or_not_valid_is_left_out(self):
        batch = []
        families = Families(["x_sum"], lambda content: bool(batch.append(content)))
        families.gauge("y", "No.").sample(1)
        families.summary("x", "Yes.").total(1, 1.0, {"bad-name": "1"}).total(1, 2.0)
        families.finish()
        [only] = gathered.read(batch)
        self.assertEqual((only.name, [sample.sum for sample in only]), ("x", [2.0]))
        with self.assertRaisesRegex(Exception, "'bad-name' is not a label name"):
            families.check()

    def test_names_are_those_of_the_hosts_table(self):
        table = (REPOSITORY / "crates" / "names" / "names.txt").read_text(encoding="utf-8").splitlines()[1:]
        rules = {"metric": METRIC_NAME, "label": LABEL_NAME}
        for line in table:
            what, answer, name = line.split(" ", 2)
            with self.subTest(line=line):
                self.assertEqual(rules[what].fullmatch(name) is not None, answer == "yes")

    def test_a_batch_cut_anywhere_is_a_frame_error(self):
        content = batches.family(Head(Kind.GAUGE, "g", "help")) + batches.segment(Columns(b"", [0], [1.0], [], [], []))
        for end in range(8, len(content), 8):
            if end == len(batches.family(Head(Kind.GAUGE, "g", "help"))):
                continue
            with self.subTest(end=end), self.assertRaises(FrameError):
                batches.read([content[:end]])


class CellsTest(unittest.TestCase):
    def setUp(self):
        self.memory = bytearray(3 * 64)
        self.cells = Cells(self.memory, 3)

    def whole(self, stripe, cell):
        return struct.unpack_from("<Q", self.memory, stripe * 64 + cell * 8)[0]

    def test_each_thread_writes_a_stripe_of_its_own_and_gives_it_back(self):
        self.cells.count(2, 5)
        for _ in range(2):
            thread = threading.Thread(target=self.cells.count, args=(2, 7))
            thread.start()
            thread.join()
        self.assertEqual((self.whole(1, 2), self.whole(2, 2), self.whole(0, 2)), (5, 14, 0))
        self.assertEqual(self.whole(0, 1), 3, "stripes in use")
        self.assertEqual(self.cells.sum_whole(2), 19)

    def test_threads_without_a_stripe_share_the_first_one_exactly(self):
        done = threading.Barrier(6)

        def add():
            for _ in range(2000):
                self.cells.count(2, 1)
                self.cells.add(3, 0.5)
            done.wait()

        threads = [threading.Thread(target=add) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.cells.sum_whole(2), 12_000)
        self.assertEqual(self.cells.sum_fractions(3), 6_000.0)
        self.assertGreater(self.whole(0, 2), 0)

    def test_levels_begin_at_nothing_and_no_value_says_unset(self):
        struct.pack_into("<Q", self.memory, 8 * 4, UNSET)
        self.cells.shift(4, 2.0)
        self.assertEqual(self.cells.level(4), 2.0)
        self.cells.raise_to(4, 1.0)
        self.assertEqual(self.cells.level(4), 2.0)
        self.cells.set(4, struct.unpack("<d", struct.pack("<Q", UNSET))[0])
        self.assertNotEqual(self.whole(0, 4), UNSET)


if __name__ == "__main__":
    unittest.main()
