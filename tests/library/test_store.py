import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import transcribe
from tests.support.conversations import transcript
from transcribe.errors import CannotWrite, LibraryLocked, TranscriptError
from transcribe.library.caption_writer import to_vtt
from transcribe.library.episode import AudioFile, Episode, Record
from transcribe.library.store import Library, write_whole

RECORD = Record(Episode("show/one", "Show", "One"), audio=AudioFile("audio/show/one.mp3", "0" * 64, 9, "audio/mpeg"))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_transcript_is_loaded_as_it_was_saved_and_has_captions_beside_it(library: Library) -> None:
    said = transcript("Welcome back.", name="show/one")
    library.save_transcript(said)
    assert library.load_transcript("show/one") == said
    assert library.transcript_ids() == ["show/one"]
    assert (library.transcripts / "show" / "one.vtt").read_text() == to_vtt(said)


def test_a_record_is_loaded_as_it_was_saved(library: Library) -> None:
    library.save_record(RECORD)
    assert library.records() == [RECORD]
    assert library.load_record("show/one") == RECORD


@pytest.mark.parametrize("damage", [b"", b"[" * 100_000, b"\xff", b"{}", b'{"id": "show/two"}'])
def test_a_record_that_cannot_be_read_hides_no_other(library: Library, damage: bytes) -> None:
    library.save_record(RECORD)
    library.record_path("show/two").write_bytes(damage)
    assert library.records() == [RECORD]


def test_files_that_are_no_episodes_are_not_listed(library: Library) -> None:
    library.save_transcript(transcript("Welcome back.", name="show/one"))
    (library.transcripts / "show" / "Not an id.json").write_text("{}")
    assert library.transcript_ids() == ["show/one"]
    assert Library(library.root / "nowhere").records() == []


def test_a_missing_transcript_is_told_from_a_bad_one(library: Library) -> None:
    with pytest.raises(TranscriptError) as missing:
        library.load_transcript("show/one")
    library.transcript_path("show/one").parent.mkdir(parents=True)
    library.transcript_path("show/one").write_text("{}")
    with pytest.raises(TranscriptError, match=r"one\.json: not a transcript") as bad:
        library.load_transcript("show/one")
    library.transcript_path("show/two").mkdir()
    with pytest.raises(TranscriptError, match=r"two\.json"):
        library.load_transcript("show/two")
    assert (missing.value.code, bad.value.code) == ("no_transcript", "bad_transcript")


def test_a_transcript_under_another_ones_name_is_refused(library: Library) -> None:
    library.save_transcript(transcript("Welcome back.", name="show/one"))
    library.transcript_path("show/one").rename(library.transcript_path("show/two"))
    with pytest.raises(TranscriptError, match="is the transcript of show/one"):
        library.load_transcript("show/two")


# Fault 52: an id that could lead out of the library is refused before any file is touched.
@pytest.mark.parametrize("name", ["../x", "show/../../x", "%2e%2e/x", "show/\0", "a" * 5000, "/etc/passwd"])
def test_ids_that_lead_elsewhere_are_refused(library: Library, name: str) -> None:
    for ask in (library.load_transcript, library.load_record, library.transcript_path, library.record_path):
        with pytest.raises(TranscriptError) as caught:
            ask(name)
        assert caught.value.code == "bad_id"


def test_a_file_is_inside_only_if_it_really_lies_there(library: Library, tmp_path: Path) -> None:
    outside = tmp_path.with_name(tmp_path.name + "-outside")
    outside.write_text("secret")
    library.audio.mkdir()
    (library.audio / "real.mp3").write_text("sound")
    (library.audio / "link.mp3").symlink_to(outside)
    (library.audio / "good.mp3").symlink_to(library.audio / "real.mp3")
    assert library.inside("audio/real.mp3") == library.audio / "real.mp3"
    assert library.inside("audio/good.mp3") == library.audio / "real.mp3"
    for elsewhere in (
        "audio/link.mp3",
        f"../{outside.name}",
        str(outside),
        "audio",
        "audio/none",
        "a\0",
        "x" * 5000,
        "\ud800",
    ):
        assert library.inside(elsewhere) is None


# Fault 30: at every point of failure a transcript is absent or whole.
def _break(monkeypatch: pytest.MonkeyPatch, call: str, at: int) -> None:
    """Makes the call fail the `at`-th time, as on a full disk."""
    real, count = getattr(os, call), iter(range(1, 100))

    def failing(*args: object, **more: object) -> object:
        if next(count) == at:
            raise OSError(28, "No space left on device")
        return real(*args, **more)

    monkeypatch.setattr(os, call, failing)


@pytest.mark.parametrize("before", ["Welcome back.", None])
@pytest.mark.parametrize(("call", "at"), [("replace", 1), ("replace", 2), *(("fsync", n) for n in range(1, 5))])
def test_a_transcript_is_absent_or_whole_when_writing_fails(
    library: Library, monkeypatch: pytest.MonkeyPatch, before: str | None, call: str, at: int
) -> None:
    if before:
        library.save_transcript(transcript(before, name="show/one"))
    with monkeypatch.context() as patch:
        _break(patch, call, at)
        with pytest.raises(OSError, match="No space left"):
            library.save_transcript(transcript("Thank you.", name="show/one"))
    texts = [library.load_transcript(name).segments[0].text for name in library.transcript_ids()]
    # The fourth fsync is of the folder, when the new file already has its name.
    assert texts == (["Thank you."] if (call, at) == ("fsync", 4) else [before] if before else [])
    assert not list(library.root.rglob(".new-*"))


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, b"old")
    program = (
        "import os, signal, sys; from pathlib import Path; from transcribe.library import store;"
        f"os.replace = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL);"
        f"store.write_whole(Path({str(target)!r}), b'new')"
    )
    died = subprocess.run([sys.executable, "-c", program], env=_environment(), check=False)
    assert died.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"


def test_a_transcript_that_does_not_hold_is_never_written(library: Library) -> None:
    good = transcript("Welcome back.", "Thank you.", name="show/one")
    bad = type(good)(good.episode, None, good.engine, "en", good.created, good.segments[::-1])
    with pytest.raises(TranscriptError):
        library.save_transcript(bad)
    assert contents(library.root) == {}


def test_half_characters_are_written_as_question_marks(library: Library) -> None:
    library.save_transcript(transcript("lone \ud800", name="show/one"))
    assert library.load_transcript("show/one").segments[0].text == "lone ?"


# Fault 16: the lock.
def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(transcribe.__file__).parents[1])}


@pytest.fixture
def holder(library: Library) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts a process that holds the library until its stdin ends."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        program = (
            "import sys; from pathlib import Path; from transcribe.library.store import Library\n"
            f"with Library(Path({str(library.root)!r})).locked(): print('held', flush=True); sys.stdin.read()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            text=True,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_locked_library_names_its_owner_and_is_left_as_it_is(
    library: Library, holder: Callable[[], "subprocess.Popen[str]"]
) -> None:
    owner = holder()
    before = contents(library.root)
    with pytest.raises(LibraryLocked, match=f"locked by process {owner.pid}"), library.locked():
        pytest.fail("two processes hold one library")
    assert contents(library.root) == before


def test_the_lock_of_a_dead_owner_is_taken_over(
    library: Library, holder: Callable[[], "subprocess.Popen[str]"]
) -> None:
    owner = holder()
    owner.kill()
    owner.wait()
    with library.locked():
        assert (library.state / "lock.owner").read_text() == str(os.getpid())


def test_the_lock_is_given_back_at_the_end_and_after_an_error(library: Library) -> None:
    with pytest.raises(RuntimeError), library.locked():
        raise RuntimeError("work went wrong")
    assert not (library.state / "lock.owner").exists()
    with library.locked():
        pass


def test_a_holder_that_has_not_said_its_name_is_unknown(library: Library) -> None:
    with library.locked():
        (library.state / "lock.owner").unlink()
        with pytest.raises(LibraryLocked, match="process unknown"), Library(library.root).locked():
            pytest.fail("held twice")


def test_a_saved_record_is_readable_json_for_a_person(library: Library) -> None:
    library.save_record(RECORD)
    text = library.record_path("show/one").read_text()
    assert json.loads(text)["title"] == "One"
    assert text.count("\n") > 10


def test_who_asks_whether_it_is_locked_keeps_nobody_out(library: Library) -> None:
    with library.locked():
        pass
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            library.is_locked()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(100):
            with library.locked():
                pass
    finally:
        over.set()
        asking.join()


@pytest.mark.parametrize(("umask", "mode"), [("022", "644"), ("077", "600")])
def test_files_are_as_open_as_the_umask_has_it(tmp_path: Path, umask: str, mode: str) -> None:
    write = "from pathlib import Path; from transcribe.library.store import write_whole; write_whole(Path('file'), b'')"
    subprocess.run(["sh", "-c", f"umask {umask}; exec '{sys.executable}' -c \"{write}\""], cwd=tmp_path, check=True)
    assert f"{(tmp_path / 'file').stat().st_mode & 0o777:o}" == mode


def test_what_cannot_be_written_is_named(library: Library) -> None:  # fault line 15
    library.transcripts.mkdir(parents=True)
    (library.transcripts / "show").write_text("a file where a folder is to be")
    with pytest.raises(CannotWrite, match=r"show/one\.vtt cannot be written: ") as problem:
        library.save_transcript(transcript("to be", name="show/one"))
    assert isinstance(problem.value, OSError)
    assert problem.value.errno
