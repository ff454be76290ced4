"""Decoding beside this process: what is heard, what a decoder that hangs or dies costs, that nothing is left over."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.broken_media import broken, whole
from tests.support.speech import write_audio
from transcribe.audio.decode import RATE, open_audio
from transcribe.audio.decoder_process import DecoderProcess
from transcribe.audio.inline_decoder import InlineDecoder
from transcribe.audio.speech_decoder import SpeechDecoder
from transcribe.audio.speech_stream import SpeechStream
from transcribe.audio.voice_activity import WINDOW_MS
from transcribe.errors import AudioError
from transcribe.library.transcript import Chapter, Damage

TALK = Path(__file__).parents[1] / "data" / "talk.mp3"
GENEROUS_S = 60.0


def plain(sound: SpeechStream) -> list[tuple[int, bytes, tuple[tuple[int, int], ...], float]]:
    return [(piece.start_ms, piece.pcm(), piece.speech, piece.likelihood) for piece in sound]


def decoder(listener: DecoderProcess) -> int:
    assert listener._child
    assert listener._child.process.pid
    return listener._child.process.pid


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + GENEROUS_S
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty times the same talk, three seconds apart: 13 minutes, 40 pieces."""
    with open_audio(TALK) as recording:
        talk = np.concatenate([*recording.blocks(), np.zeros(3 * RATE, np.int16)])
    path = tmp_path_factory.mktemp("talks") / "talks.wav"
    write_audio(np.tile(talk, 40), path)
    return path


@pytest.fixture(scope="module")
def listener() -> Iterator[DecoderProcess]:
    with DecoderProcess() as open_one:
        yield open_one
    assert multiprocessing.active_children() == []


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """Who opens it waits for ever for somebody to write."""
    path = tmp_path / "hanging.mp3"
    os.mkfifo(path)
    return path


def test_the_same_is_heard_here_and_beside(listener: DecoderProcess) -> None:
    here: SpeechDecoder = InlineDecoder()
    for path in (TALK, TALK):
        one, other = here.listen(path), listener.listen(path)
        assert other.declared_ms == one.declared_ms is not None
        assert plain(other) == plain(one) != []
        assert (other.duration_ms, other.damage) == (one.duration_ms, None)
    here.close()


def test_one_process_does_file_after_file_and_is_gone_at_the_end() -> None:
    with DecoderProcess() as listener:
        assert listener._child is None  # before it is needed
        list(listener.listen(TALK))
        pid = decoder(listener)
        list(listener.listen(TALK))
        assert decoder(listener) == pid
    assert not Path(f"/proc/{pid}").exists()  # not even as a zombie


def test_what_is_wrong_with_a_file_arrives_as_it_is(listener: DecoderProcess, tmp_path: Path) -> None:
    (tmp_path / "list.mp3").write_text("#EXTM3U\nhttp://example.org/\n")
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(100_000))
    for listening in (listener, InlineDecoder()):
        for name, code in (("list.mp3", "playlist"), ("noise.mp3", "undecodable"), ("gone.mp3", "unreadable")):
            with pytest.raises(AudioError) as caught:
                list(listening.listen(tmp_path / name))
            assert (caught.value.code, name in str(caught.value)) == (code, True)
    pid = decoder(listener)
    assert plain(listener.listen(TALK))
    assert decoder(listener) == pid


def test_damage_arrives_too(listener: DecoderProcess, tmp_path: Path) -> None:
    path = tmp_path / "half.mp3"
    path.write_bytes(TALK.read_bytes()[: TALK.stat().st_size // 2])
    sound = listener.listen(path)
    with pytest.raises(RuntimeError, match="not known"):
        _ = sound.damage
    assert list(sound)
    assert isinstance(sound.damage, Damage)
    assert sound.damage.truncated


def test_chapters_arrive_too(listener: DecoderProcess, tmp_path: Path) -> None:
    path = tmp_path / "talk.ogg"
    write_audio(np.zeros(3 * RATE, np.int16), path, {"CHAPTER000": "00:00:01.000", "CHAPTER000NAME": "The well"})
    for listening in (listener, InlineDecoder()):
        assert listening.listen(path).chapters == (Chapter(1000, "The well"),)


def test_the_next_file_is_begun_while_the_present_one_is_not_done(listener: DecoderProcess, tmp_path: Path) -> None:
    sound = iter(listener.listen(TALK))
    first = next(sound)
    following = tmp_path / "following.mp3"
    os.mkfifo(following)
    listener.expect(following)
    os.close(written_to_once_it_is_read(following))
    assert [first, *sound][-1].end_ms <= 16_454


def test_the_decoder_waits_when_it_is_far_enough_ahead(talks: Path) -> None:
    with DecoderProcess(ahead_ms=60_000) as listener:
        sound = iter(listener.listen(talks))
        taken = [next(sound)]
        held = listener._child
        assert held
        until(lambda: held.held_ms >= 60_000)
        until(lambda: rests(decoder(listener)))
        assert held.held_ms < 60_000 + 30_000
        taken += sound
    assert len(taken) == 40


def rests(pid: int) -> bool:
    before = cpu_ticks(pid)
    time.sleep(0.3)
    return cpu_ticks(pid) - before <= 1


def cpu_ticks(pid: int) -> int:
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


# Fault 24


def test_a_decoder_that_hangs_is_ended_and_the_next_file_is_done(hanging: Path) -> None:
    with DecoderProcess() as listener:
        list(listener.listen(TALK))  # it has started
        listener.patience_s = 2
        pid = decoder(listener)
        listener.expect(hanging)
        listener.expect(TALK)
        with pytest.raises(AudioError, match=r"hanging.mp3.* no sign of life for 2 s") as caught:
            list(listener.listen(hanging))
        assert caught.value.code == "decoder_failed"
        assert not Path(f"/proc/{pid}").exists()
        listener.patience_s = GENEROUS_S
        assert list(listener.listen(TALK))


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGKILL])
def test_a_decoder_that_crashes_costs_one_file(listener: DecoderProcess, hanging: Path, crash: signal.Signals) -> None:
    sound = listener.listen(TALK)
    for path in (hanging, TALK):
        listener.expect(path)
    pid = decoder(listener)
    expected = plain(InlineDecoder().listen(TALK))
    pipe = written_to_once_it_is_read(hanging)  # so the decoder is there
    os.kill(pid, crash)
    assert plain(sound) == expected  # what came before is not lost
    assert sound.duration_ms == 16_454
    with pytest.raises(AudioError, match=r"hanging.mp3.* was ended") as caught:
        listener.listen(hanging)
    assert caught.value.code == "decoder_failed"
    assert plain(listener.listen(TALK)) == expected
    os.close(pipe)
    assert not Path(f"/proc/{pid}").exists()


def written_to_once_it_is_read(path: Path) -> int:
    end = time.monotonic() + GENEROUS_S
    while time.monotonic() < end:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it
            time.sleep(0.02)
    raise AssertionError("nobody ever read it")


def test_a_decoder_that_dies_with_nothing_to_do_costs_nothing(listener: DecoderProcess) -> None:
    list(listener.listen(TALK))
    held = listener._child
    assert held
    os.kill(decoder(listener), signal.SIGKILL)
    until(lambda: held.is_over)
    assert list(listener.listen(TALK))


def test_a_decoder_that_stands_still_does_not_hold_up_the_end(talks: Path) -> None:
    listener = DecoderProcess(ahead_ms=10_000)
    next(iter(listener.listen(talks)))
    pid, held = decoder(listener), listener._child
    assert held
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    listener.close()
    assert time.monotonic() - began < GENEROUS_S
    assert not Path(f"/proc/{pid}").exists()
    assert not held.thread.is_alive()


def test_a_decoder_that_takes_too_much_memory_is_ended() -> None:
    with (
        DecoderProcess(most_bytes=50_000_000) as listener,
        pytest.raises(AudioError, match="too much memory") as caught,
    ):
        list(listener.listen(TALK))
    assert caught.value.code == "decoder_failed"


def test_a_file_that_is_given_up_or_not_asked_for_after_all_does_not_disturb_the_next(
    listener: DecoderProcess, talks: Path, hanging: Path
) -> None:
    expected = plain(InlineDecoder().listen(TALK))
    next(iter(listener.listen(talks)))
    listener.expect(hanging)
    assert plain(listener.listen(TALK)) == expected


def test_a_hundred_broken_files_end_in_pieces_or_an_audio_error(listener: DecoderProcess, tmp_path: Path) -> None:
    """bench/faults/mutate_media.py tries 2,000."""
    dice, codes = random.Random(5), set()
    originals = [(path.suffix, path.read_bytes()) for path in whole(tmp_path)]
    list(listener.listen(TALK))
    pid = decoder(listener)
    for suffix, content in originals * 10:
        way, content = broken(content, dice)
        path = tmp_path / f"{way}{suffix}"
        path.write_bytes(content)
        try:
            sound = listener.listen(path)
            times = [at for piece in sound for at in piece.span]
        except AudioError as problem:
            codes.add(problem.code)
        else:
            assert times == sorted(times)
            assert not times or times[-1] < sound.duration_ms + WINDOW_MS
    assert "undecodable" in codes <= {"undecodable", "no_audio"}
    assert decoder(listener) == pid  # none of them was worth a new one


PARENT = """
import sys, time
from pathlib import Path
from transcribe.audio.decoder_process import DecoderProcess

if __name__ == "__main__":
    listener = DecoderProcess()
    list(listener.listen(Path({talk!r})))
    listener.expect(Path({hanging!r}))
    try:
        print(listener._child.process.pid, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.5)
        print(listener._child.process.is_alive(), flush=True)
        listener.close()
"""


@pytest.fixture
def parent(tmp_path: Path, hanging: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(talk=str(TALK), hanging=str(hanging)))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        yield process, int(process.stdout.readline())
        process.kill()


def test_it_ends_by_itself_when_the_process_it_works_for_is_killed(
    parent: tuple["subprocess.Popen[str]", int],
) -> None:
    process, pid = parent
    assert runs(pid)
    process.kill()
    process.wait()
    until(lambda: not runs(pid))


def test_it_leaves_ctrl_c_to_the_process_it_works_for(parent: tuple["subprocess.Popen[str]", int]) -> None:
    process, pid = parent
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout
    assert process.stdout.read() == "True\n"
    assert process.wait(GENEROUS_S) == 0
    until(lambda: not runs(pid))
