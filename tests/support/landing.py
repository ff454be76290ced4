"""Presses the buttons of hits in a real Chromium and records what is heard, as numbers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.tones import Samples, first_audible, interrupted, position_ms
from transcribe.audio.decode import RATE as DECODED_RATE
from transcribe.audio.decode import open_audio

WORD_MS = 250  # into its second, a word begins
RECORDED_S = 1.6
PRESSES = 10  # of one button at most, while its recording is interrupted
PATIENCE_S = 20.0

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

_RECORD = """async () => {
  const audio = document.querySelector("audio");
  const context = new AudioContext({sampleRate: 44100});
  const code = `registerProcessor("recorder", class extends AudioWorkletProcessor {
    process([input]) { if (input[0]) this.port.postMessage(input[0].slice()); return true; }
  })`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  const recorder = new AudioWorkletNode(context, "recorder");
  const heard = [];
  let begun = false;
  recorder.port.onmessage = ({data}) => {
    begun ||= data.some((sample) => Math.abs(sample) > 0.01);
    if (begun) heard.push(data);
  };
  context.createMediaElementSource(audio).connect(recorder).connect(context.destination);
  await context.resume();
  window.heard = () => heard.length * 128 / 44100;
  window.recorded = () => heard.flatMap((part) => [...part]);
}"""


@dataclass(frozen=True, slots=True)
class Landing:
    """One press of a hit's button."""

    second: int  # whose word was asked for
    error_ms: float | None  # of the first sound heard; minus is too early; None where it is of another place


@contextmanager
def chromium(executable: str) -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


def landings(browser: Any, address: str, words: str, seconds: Sequence[int]) -> Iterator[Landing]:
    """Presses the button of each hit of a word, in order, each on a page that was just opened.

    A recording that a busy machine interrupted tells no time, and is made again.
    """
    context = browser.new_context(base_url=address, bypass_csp=True)  # the recorder is a script of its own
    page = context.new_page()
    for number, second in enumerate(seconds):
        for _ in range(PRESSES):
            heard = _heard(page, words, number, second)
            if not interrupted(heard):
                break
        yield Landing(second, _error_ms(heard, second))
    context.close()


def _heard(page: Any, words: str, number: int, second: int) -> Samples:
    """What is heard first after the press of a hit's button, on a page opened for it."""
    page.goto(f"/?q={words}&sort=oldest&limit=100")
    page.evaluate(_RECORD)
    button = page.locator("button.play").nth(number)
    assert int(button.get_attribute("data-start-ms")) == second * 1000 + WORD_MS
    button.click()
    for _ in range(int(PATIENCE_S / 0.1)):
        if page.evaluate("heard()") >= RECORDED_S:
            break
        page.wait_for_timeout(100)
    return np.array(page.evaluate("recorded()"))


def decoder_errors_ms(path: Path, seconds: Sequence[int]) -> list[float | None]:
    """Where the decoder has the tones of each second, minus where they were put."""
    pieces: dict[int, list[Samples]] = {second: [] for second in seconds}
    with open_audio(path) as recording:
        at = 0
        for block in recording.blocks():
            for second, parts in pieces.items():
                begin, end = (second * 1000 + WORD_MS) * 16 - at, (second * 1000 + WORD_MS + 1500) * 16 - at
                if end > 0 and begin < len(block):
                    parts.append(block[max(0, begin) : max(0, end)] / 32_768)
            at += len(block)
    found = [position_ms(np.concatenate(parts), DECODED_RATE) for parts in pieces.values()]
    return [
        None if position is None else second * 1000 + WORD_MS - position
        for second, position in zip(pieces, found, strict=True)
    ]


def _error_ms(heard: Samples, second: int) -> float | None:
    begin = first_audible(heard)
    position = None if begin is None else position_ms(heard[begin:], 44_100)
    return None if position is None else position - (second * 1000 + WORD_MS)
