"""An index's files against everything that can happen to them: crashes, damage, several processes."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from search.errors import IndexBusy, IndexUnavailable
from search.index.contract import Request
from search.index.generations import MANIFEST, POINTER, Generations
from search.index.library_index import LibraryIndex
from search.query.parser import parse
from tests.support.conversations import transcript
from transcribe.library.store import Library

STAMP = {"index": "1"}


def write(text: str, name: str = "file") -> "Write":
    return Write(text, name)


class Write:
    """A change that writes one file."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name

    def __call__(self, folder: Path) -> bool:
        (folder / self.name).unlink(missing_ok=True)  # files are never changed in place: they are linked
        (folder / self.name).write_text(self.text)
        return True


def read(generations: Generations, name: str = "file") -> str:
    held = generations.hold()
    try:
        return (held.folder / name).read_text()
    finally:
        held.release()


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path / "index", STAMP)


@pytest.fixture
def library_index(tmp_path: Path) -> LibraryIndex:
    """Two generations: the first knows one episode, the second two."""
    library = Library(tmp_path)
    library.save_transcript(transcript("the commons", name="show/one"))
    library_index = LibraryIndex(library)
    library_index.refresh()
    library.save_transcript(transcript("the market", name="show/two"))
    library_index.refresh()
    return library_index


def total(library_index: LibraryIndex, text: str) -> int:
    return LibraryIndex(library_index.library).index().search(Request(parse(text))).total


def newest(library_index: LibraryIndex) -> Path:
    index = library_index.library.state / "index"
    return index / (index / POINTER).read_text()


def test_nothing_is_there_until_something_is_built(generations: Generations) -> None:
    with pytest.raises(IndexUnavailable, match="playhead index"):
        generations.hold()


def test_what_is_built_becomes_current(generations: Generations) -> None:
    generations.build(write("one"))
    assert read(generations) == "one"
    generations.build(write("two"))
    assert read(generations) == "two"


def test_unchanged_files_are_linked_and_not_copied(generations: Generations) -> None:
    generations.build(write("big", "a"))
    generations.build(write("small", "b"))
    held = generations.hold()
    assert (held.folder / "a").stat().st_nlink == 2
    assert read(generations, "a") == "big"
    held.release()


def test_a_change_that_changes_nothing_makes_no_generation(generations: Generations) -> None:
    generations.build(write("one"))
    before = generations.current()
    generations.build(lambda _: False)
    assert generations.current() == before


def test_a_change_that_fails_leaves_all_as_it_was(generations: Generations) -> None:  # fault line 43
    def full(folder: Path) -> bool:
        (folder / "half").write_text("ha")
        raise OSError(28, "No space left on device")

    generations.build(write("one"))
    with pytest.raises(OSError, match="No space"):
        generations.build(full)
    assert read(generations) == "one"
    generations.build(write("two"))
    held = generations.hold()
    assert not (held.folder / "half").exists()
    held.release()


def test_a_reader_keeps_its_generation_for_as_long_as_it_holds_it(generations: Generations) -> None:
    generations.build(write("one"))
    held = generations.hold()
    for number in range(5):
        generations.build(write(str(number)))
    assert (held.folder / "file").read_text() == "one"
    held.release()
    generations.build(write("last"))
    assert not held.folder.exists()


def test_the_one_before_is_kept_and_older_ones_go(generations: Generations) -> None:
    for number in range(5):
        generations.build(write(str(number)))
    assert len([path for path in generations.folder.iterdir() if path.is_dir()]) == 2


@pytest.mark.parametrize("damage", ["delete", "empty", "halve", "flip a bit", "flip a high bit", "grow"])
def test_every_damage_to_every_file_is_noticed_before_it_is_used(
    library_index: LibraryIndex, damage: str
) -> None:  # fault line 37
    assert total(library_index, "the") == 2
    folder = newest(library_index)
    for path in sorted(folder.iterdir()):
        whole, times = path.read_bytes(), path.stat()
        hurt(path, damage)
        assert total(library_index, "the") == 1, f"the older generation serves when {path.name} is hurt: {damage}"
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert total(library_index, "the") == 2


def hurt(path: Path, damage: str) -> None:
    data = path.read_bytes()
    if damage == "delete":
        path.unlink()
        return
    middle = len(data) // 2
    flipped, other = (data[:middle] + bytes([data[middle] ^ bit]) + data[middle + 1 :] for bit in (4, 128))
    changed = {"empty": b"", "halve": data[:middle], "flip a bit": flipped, "flip a high bit": other}
    changed["grow"] = data + b"!"
    path.unlink()  # the older generation has the same file
    path.write_bytes(changed[damage])


def test_where_all_is_damaged_it_says_so_and_indexing_mends_it(library_index: LibraryIndex) -> None:  # fault line 37
    for path in (library_index.library.state / "index").glob("*/*.pst"):
        hurt(path, "flip a bit")
    with pytest.raises(IndexUnavailable, match="playhead index"):
        total(library_index, "the")
    assert len(LibraryIndex(library_index.library).refresh().indexed) == 2
    assert total(library_index, "the") == 2


@pytest.mark.parametrize("pointer", ["", "nonsense", "../../..", "00000099", "\0"])
def test_a_pointer_to_nowhere_is_passed_over(library_index: LibraryIndex, pointer: str) -> None:
    (library_index.library.state / "index" / POINTER).write_text(pointer)
    assert total(library_index, "the") == 2


def test_an_index_of_another_version_is_not_opened_but_rebuilt(library_index: LibraryIndex) -> None:  # fault line 42
    later = Generations(library_index.library.state / "index", {"index": "2"})
    with pytest.raises(IndexUnavailable, match="index 2"):
        later.hold()
    later.build(write("anew"))
    assert read(later) == "anew"


def test_an_open_reader_notices_damage_done_later(library_index: LibraryIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.index.library_index.LOOK_EVERY_S", 0)
    reader = LibraryIndex(library_index.library)
    assert reader.index().search(Request(parse("the"))).total == 2
    for path in newest(library_index).glob("*.pst"):
        hurt(path, "flip a bit")
    assert reader.index().search(Request(parse("the"))).total == 1


def test_a_second_writer_waits_and_no_update_is_lost(generations: Generations) -> None:  # fault line 38
    def add(name: str) -> None:
        def slowly(folder: Path) -> bool:
            time.sleep(0.2)
            return write(name, name)(folder)

        generations.build(slowly)

    threads = [threading.Thread(target=add, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [read(generations, name) for name in "abc"] == ["a", "b", "c"]


def test_a_writer_that_waits_too_long_says_the_index_is_busy(
    generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:  # fault line 38
    monkeypatch.setattr("search.index.write_lock.WAIT_S", 0.1)

    def meanwhile(_: Path) -> bool:
        with pytest.raises(IndexBusy, match="busy"):
            Generations(generations.folder, STAMP).build(write("x"))
        asked.append("x")
        return False

    asked: list[str] = []
    generations.build(meanwhile)
    assert asked


def _open_often(root: Path, count: int) -> None:
    for _ in range(count):
        LibraryIndex(Library(root)).index()


def test_opening_never_fails_while_a_writer_commits(library_index: LibraryIndex) -> None:  # fault line 39
    context = multiprocessing.get_context("spawn")
    readers = [context.Process(target=_open_often, args=(library_index.library.root, 300)) for _ in range(2)]
    for reader in readers:
        reader.start()
    number = 0
    while any(reader.is_alive() for reader in readers):
        library_index.library.save_transcript(transcript(f"word{number}", name="show/changing"))
        library_index.refresh()
        number += 1
    assert number > 3
    assert [reader.exitcode for reader in readers] == [0, 0]


WRITE_ON = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from tests.support.conversations import transcript
from search.index.library_index import LibraryIndex
from transcribe.library.store import Library
library = Library(Path({root!r}))
for number in range({first}, 10_000):
    library.save_transcript(transcript("word " * 50, name=f"show/e{{number}}"))
    LibraryIndex(library).refresh()
    print(number, flush=True)
"""


def test_killed_at_any_moment_no_acknowledged_episode_is_lost(tmp_path: Path) -> None:  # fault line 36
    library, acknowledged = Library(tmp_path), -1
    for kill in range(20):
        script = WRITE_ON.format(paths=sys.path, root=str(tmp_path), first=acknowledged + 1)
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = int(writer.stdout.readline())
            time.sleep(0.0037 * kill)
            writer.send_signal(signal.SIGKILL)
            acknowledged = max([first, *map(int, writer.stdout.read().split())])
        index = LibraryIndex(library).index()
        known = {contents.episode.id for contents in index.contents()}
        assert {f"show/e{number}" for number in range(acknowledged + 1)} <= known
        assert index.search(Request(parse("word"))).total == 50 * len(known)
    assert acknowledged > 10
    LibraryIndex(library).refresh()
    assert not (tmp_path / ".playhead/index/building").exists()


def test_a_manifest_says_what_is_in_it(library_index: LibraryIndex) -> None:
    body = (newest(library_index) / MANIFEST).read_text().rsplit("\n", 1)[0]
    manifest = json.loads(body)
    assert manifest["made_by"]["whoosh"] == "2.7.4"
    assert {path.name for path in newest(library_index).iterdir()} - {MANIFEST} == set(manifest["files"])
