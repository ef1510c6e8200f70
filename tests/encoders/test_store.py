"""The store: nothing is encoded twice, whoever writes and whatever happens in between."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import EmbeddingStore, EncoderError, upkeep
from tests.encoders.samples import Counting, drawn

ROOT = Path(__file__).resolve().parents[2]


def test_second_call_encodes_nothing(tmp_path):
    texts = ["one", "three", "", "one", "  ", "白色运动鞋"]
    first = EmbeddingStore(tmp_path).texts(Counting(), texts)
    assert (first.encoded, first.reused) == (3, 1)
    assert first.present.tolist() == [True, True, False, True, False, True]
    again = Counting()
    second = EmbeddingStore(tmp_path).texts(again, texts)
    assert (second.encoded, second.reused, again.asked) == (0, 4, [])
    assert second.vectors.dtype == np.float32
    assert np.array_equal(first.vectors, second.vectors)
    assert not second.vectors[~second.present].any()


def test_duplicates_are_encoded_once(tmp_path):
    encoder = Counting()
    done = EmbeddingStore(tmp_path).texts(encoder, ["a", "b"] * 1000)
    assert sorted(encoder.asked) == ["a", "b"]
    assert (done.encoded, done.reused) == (2, 1998)


def test_another_fingerprint_is_another_encoder(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.texts(Counting("counting/1"), ["a"])
    assert store.texts(Counting("counting/2"), ["a"]).encoded == 1


def test_nothing_asked(tmp_path):
    done = EmbeddingStore(tmp_path).texts(Counting(), [])
    assert done.vectors.shape == (0, 4)
    assert (done.encoded, done.reused, done.rejects) == (0, 0, [])


def test_progress_reaches_the_end(tmp_path):
    seen = []
    EmbeddingStore(tmp_path).texts(Counting(), [str(n) for n in range(1200)], lambda *at: seen.append(at))
    assert seen == [(512, 1200), (1024, 1200), (1200, 1200)]


@settings(max_examples=20)
@given(st.lists(st.text(max_size=5), max_size=30))
def test_rows_are_those_of_the_encoder(tmp_path_factory, texts):
    store = EmbeddingStore(tmp_path_factory.mktemp("store"))
    store.texts(Counting(), texts[::2])
    done = store.texts(Counting(), texts)
    for row, text in enumerate(texts):
        expected = Counting().encode([text])[0] if text.strip() else np.zeros(4)
        assert np.array_equal(done.vectors[row], expected)
        assert done.present[row] == bool(text.strip())


def test_pictures_good_and_bad(tmp_path):
    good, same, cut, empty, words = (tmp_path / name for name in ("a.png", "b.png", "c.png", "d.png", "e.png"))
    drawn(1).save(good)
    same.write_bytes(good.read_bytes())
    cut.write_bytes(good.read_bytes()[:300])
    empty.touch()
    words.write_text("no picture")
    paths = [good, None, cut, same, tmp_path / "missing.png", empty, words, cut]
    encoder = Counting()
    done = EmbeddingStore(tmp_path / "store").images(encoder, paths)
    assert len(encoder.asked) == 1
    assert (done.encoded, done.reused) == (1, 1)
    assert done.present.tolist() == [True, False, False, True, False, False, False, False]
    assert not done.vectors[~done.present].any()
    assert done.rejects == [
        (2, "truncated"), (4, "missing"), (5, "empty"), (6, "not a picture"), (7, "truncated")
    ]  # fmt: skip
    second = EmbeddingStore(tmp_path / "store").images(encoder, paths)
    assert (second.encoded, second.reused, len(encoder.asked)) == (0, 2, 1)
    assert second.rejects == done.rejects
    assert np.array_equal(second.vectors, done.vectors)


def test_a_changed_picture_is_another_picture(tmp_path):
    path, store = tmp_path / "a.png", EmbeddingStore(tmp_path)
    drawn(1).save(path)
    assert store.images(Counting(), [path]).encoded == 1
    drawn(2).save(path)
    assert store.images(Counting(), [path]).encoded == 1


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EncoderError, match="name another folder"):
        EmbeddingStore(tmp_path / "file")


def test_a_damaged_store_says_what_to_do(tmp_path):
    (tmp_path / "vectors.sqlite").write_bytes(b"this is no database" * 1000)
    with pytest.raises(EncoderError, match="delete it"):
        EmbeddingStore(tmp_path)


def test_a_vector_of_the_wrong_length_is_made_again(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.texts(Counting(), ["a"])
    change(tmp_path, "UPDATE vectors SET vector = x'00'")
    assert store.texts(Counting(), ["a"]).encoded == 1
    assert store.texts(Counting(), ["a"]).encoded == 0


def change(folder, statement):
    with sqlite3.connect(folder / "vectors.sqlite") as base:
        base.execute(statement)
    base.close()


def test_half_the_room(tmp_path):
    texts = [str(n) * n for n in range(1, 200)]
    first = EmbeddingStore(tmp_path, half=True).texts(Counting(), texts)
    second = EmbeddingStore(tmp_path).texts(Counting(), texts)
    assert (second.encoded, second.vectors.dtype) == (0, np.float32)
    assert np.array_equal(first.vectors, second.vectors)
    assert np.allclose(first.vectors, Counting().encode(texts), atol=2**-11)
    assert [(kept.vectors, kept.size) for kept in upkeep.report(tmp_path)] == [(199, 199 * 4 * 2)]


def test_what_is_kept_is_told_and_old_vectors_go(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.texts(Counting("counting/1"), ["a", "b", "c"])
    store.texts(Counting("counting/2"), ["a", "b"])
    told = upkeep.report(tmp_path)
    assert [(kept.fingerprint, kept.vectors, kept.size) for kept in told] == [
        ("counting/1", 3, 48), ("counting/2", 2, 32)
    ]  # fmt: skip
    assert {(date.today() - kept.used).days in (-1, 0, 1) for kept in told} == {True}
    change(tmp_path, "UPDATE vectors SET day = day - 100")
    store.texts(Counting("counting/1"), ["a"])
    assert upkeep.clean(tmp_path, 101) == 0
    assert upkeep.clean(tmp_path, 90) == 4
    assert [(kept.fingerprint, kept.vectors) for kept in upkeep.report(tmp_path)] == [("counting/1", 1)]
    assert store.texts(Counting("counting/1"), ["a", "b"]).encoded == 1
    with pytest.raises(EncoderError, match="no embeddings are kept here"):
        upkeep.report(tmp_path / "nowhere")


def test_a_store_of_before_is_taken_over(tmp_path):
    texts = ["a", "b"]
    EmbeddingStore(tmp_path).texts(Counting(), texts)
    for column in ("day", "encoder"):
        change(tmp_path, f"ALTER TABLE vectors DROP COLUMN {column}")
    change(tmp_path, "DROP TABLE encoders")
    assert [(kept.fingerprint, kept.used) for kept in upkeep.report(tmp_path)] == [("", None)]
    assert EmbeddingStore(tmp_path).texts(Counting(), ["a"]).encoded == 0
    assert sorted(kept.fingerprint for kept in upkeep.report(tmp_path)) == ["", "counting/1"]


WRITER = """
import sys, time
from pathlib import Path
from encoders import EmbeddingStore
from tests.encoders.samples import Counting

folder, start, end = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
while not (folder / "go").exists():
    time.sleep(0.01)
for at in range(start, end, 50):
    EmbeddingStore(folder / "store").texts(Counting(), [f"text {n}" for n in range(at, at + 50)])
"""


def writer(folder, start, end):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(start), str(end)], cwd=ROOT)


def test_processes_write_at_once(tmp_path):
    """Together they make the file, and their ranges overlap."""
    running = [writer(tmp_path, start, start + 1000) for start in (0, 500, 0)]
    (tmp_path / "go").touch()
    assert [process.wait(60) for process in running] == [0, 0, 0]
    done = EmbeddingStore(tmp_path / "store").texts(Counting(), [f"text {n}" for n in range(1500)])
    assert (done.encoded, done.reused) == (0, 1500)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is for posix")
def test_a_killed_writer_leaves_what_it_had_written(tmp_path):
    process = writer(tmp_path, 0, 1_000_000)
    (tmp_path / "go").touch()
    store = tmp_path / "store" / "vectors.sqlite"
    while not store.exists() or _rows(store) < 150:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    done = EmbeddingStore(store.parent).texts(Counting(), [f"text {n}" for n in range(50)])
    assert (done.encoded, done.reused) == (0, 50)


def _rows(path):
    base = sqlite3.connect(path, timeout=60)
    try:
        return base.execute("SELECT count(*) FROM vectors").fetchone()[0]
    except sqlite3.OperationalError:  # the table is not there yet
        return 0
    finally:
        base.close()
