"""Whisper's weights: found, fetched, made sure of, and refused where they are not what they should be."""

import base64
import gzip
import hashlib
import lzma
import os
import pickle
import socket
import subprocess
import sys
import urllib.request
from base64 import b85encode
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from pytest_httpserver import HTTPServer

from transcribe.errors import EngineUnavailable, UsageError
from transcribe.recognizers.openai_whisper.weights import (
    _set_heads,
    checkpoint,
    default_cache,
    load_weights,
    quantize_linear,
)

DATA = Path(__file__).parents[2] / "data"
CLOSED = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "micro-whisper.pt"
    path.write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    return path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever urllib is asked for, it is refused at once."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, CLOSED)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # made once, with the proxies of its time


HEADS = b85encode(gzip.compress(np.array([[False] * 4, [True] * 4]).tobytes(), mtime=0))  # those of the last layer


@pytest.fixture
def published(micro: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The checkpoint as a model that whisper knows by name."""
    import whisper as package

    content = micro.read_bytes()
    path = f"/models/{hashlib.sha256(content).hexdigest()}/micro.pt"
    httpserver.expect_request(path).respond_with_data(content)
    monkeypatch.setitem(package._MODELS, "micro", httpserver.url_for(path))
    monkeypatch.setitem(package._ALIGNMENT_HEADS, "micro", HEADS)
    return "micro"


def load(model: str, cache: Path, device: str = "cpu") -> object:
    return load_weights(checkpoint(model, cache), device, cache)


@pytest.mark.usefixtures("offline")
def test_a_model_that_is_not_here_and_cannot_be_fetched_is_one_line_of_advice(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"small.*not on this machine.*--model .*\.pt") as caught:
        checkpoint("small", tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_whispers_own_cache_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "whisper"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "whisper"


# Fault 33
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_cached_model_that_is_cut_or_has_a_flipped_bit_is_refused(
    damage: str, published: str, micro: Path, tmp_path: Path
) -> None:
    content = bytearray(micro.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    (tmp_path / "micro.pt").write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"micro\.pt is damaged"):
        checkpoint(published, tmp_path)


# Fault 33
def test_online_a_damaged_model_is_fetched_anew(published: str, micro: Path, tmp_path: Path) -> None:
    (tmp_path / "micro.pt").write_bytes(b"half of it")
    assert load(published, tmp_path)
    assert (tmp_path / "micro.pt").read_bytes() == micro.read_bytes()


# Fault 33
def test_a_cached_model_opens_no_socket(published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    load(published, tmp_path)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert load(published, tmp_path)


# Fault 33
def test_two_first_runs_at_once_both_work(published: str, tmp_path: Path) -> None:
    import whisper as package

    script = """
import sys, whisper
from pathlib import Path
from transcribe.recognizers.openai_whisper.weights import checkpoint, load_weights
url, heads, cache = sys.argv[1], sys.argv[2].encode(), Path(sys.argv[3])
whisper._MODELS["micro"], whisper._ALIGNMENT_HEADS["micro"] = url, heads
found = checkpoint("micro", cache)
print("ready", flush=True)
sys.stdin.readline()
load_weights(found, "cpu", cache)
"""
    command = [sys.executable, "-c", script, package._MODELS[published], HEADS.decode(), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    runs = [
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for run in runs:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"  # neither has found it in the cache
    for run in runs:
        assert run.stdin
        run.stdin.write("\n")
        run.stdin.flush()
    ends = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], ends


def test_a_download_with_a_wrong_sum_is_refused(
    published: str, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper as package

    httpserver.expect_request("/models/0000/micro.pt").respond_with_data(b"other weights")
    monkeypatch.setitem(package._MODELS, published, httpserver.url_for("/models/0000/micro.pt"))
    with pytest.raises(EngineUnavailable, match=r"micro.*checksum"):
        load(published, tmp_path)


def test_published_weights_are_known_by_their_sum_when_given_as_a_file(published: str, micro: Path) -> None:
    """So that the heads that tell best when a word is said are used for them too."""
    assert checkpoint(str(micro), Path("unused")).alignment_heads == HEADS


def test_a_model_there_is_none_of_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'colossal'.*tiny\.en.*large-v3"):
        checkpoint("colossal", tmp_path)
    with pytest.raises(UsageError, match=r"nowhere\.pt"):
        checkpoint(str(tmp_path / "nowhere.pt"), tmp_path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off", pickle.dumps({"dims": {}})])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"broken\.pt cannot be used") as caught:
        load(str(path), tmp_path)
    assert "\n" not in str(caught.value)


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('the code in the checkpoint was run')",)


# Fault 34
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "trap.pt"
    torch.save({"dims": Trap(), "model_state_dict": {}}, path)
    with pytest.raises(EngineUnavailable, match=r"trap\.pt"):
        load(str(path), tmp_path)


def test_a_device_there_is_none_of_is_refused(micro: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="on warp"):
        load(str(micro), tmp_path, "warp")


def test_every_linear_layer_can_be_held_in_8_bits(micro: Path, tmp_path: Path) -> None:
    from torch import nn
    from torch.ao.nn.quantized.dynamic import Linear

    model = load_weights(checkpoint(str(micro), tmp_path), "cpu", tmp_path)
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    quantize_linear(model)
    assert [name for name, module in model.named_modules() if isinstance(module, Linear)] == linear
    assert len(linear) > 20


@pytest.mark.parametrize(("name", "published"), [("base", False), ("small", True), ("tiny.en", True)])
def test_a_checkpoint_is_known_by_its_shape(name: str, published: bool) -> None:
    """What tells best when a word is said: of `base`, by measurement, the upper half of its decoder."""
    import whisper
    from whisper.model import ModelDimensions, Whisper

    layers, width, heads, vocabulary = {
        "base": (6, 512, 8, 51865),
        "small": (12, 768, 12, 51865),
        "tiny.en": (4, 384, 6, 51864),
    }[name]

    class OfThatShape(torch.nn.Module):
        """All of the model but its weights, which are hundreds of megabytes."""

        dims = ModelDimensions(80, 1500, width, heads, layers, vocabulary, 448, width, heads, layers)
        set_alignment_heads = Whisper.set_alignment_heads

    model = OfThatShape()
    expected = torch.zeros(layers, heads, dtype=torch.bool)
    if published:
        dump = gzip.decompress(base64.b85decode(whisper._ALIGNMENT_HEADS[name]))
        expected = torch.from_numpy(np.frombuffer(dump, dtype=bool).copy()).reshape(layers, heads)
    else:
        expected[layers // 2 :] = True
    _set_heads(model, None)
    assert model.alignment_heads.to_dense().equal(expected)
