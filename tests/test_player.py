"""The pages in a real browser (headless Chromium): what plays, what is marked, what the console says."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.sample_library import (
    HOSTILE,
    HOSTILE_LINK,
    HOSTILE_PICTURE,
    PART_1,
    PART_2,
    SAMPLE,
    add_chapters,
    add_episode,
    add_hostile,
    add_sample,
    index,
    served,
)
from transcribe.library.store import Library
from transcribe.library.transcript import Chapter

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
WORDS = [word for sentence in SAMPLE[0]["sentences"] for word in sentence["words"]]
PEER_MS = next(word["start_ms"] for word in WORDS if word["text"] == "peer")
CHAPTERS = [
    Chapter(0, "Welcome back"),
    Chapter(SAMPLE[1]["sentences"][6]["start_ms"], "A second look", "https://host.test/look"),
    Chapter(SAMPLE[1]["sentences"][12]["start_ms"] - 200, "What is left"),
]
LEAD_S = -0.151  # playing starts so much ahead of a word of mp3, rounded
NEAR_S = 0.3  # what issue 2 allows between a hit and where the audio stands

PLAYS = "!audio.paused && !audio.seeking && audio.readyState > 2"  # from where it was sent

# In the page: where the audio stands and what is marked, at one moment.
STATE = """() => {
  const audio = document.querySelector("audio");
  return {at: audio.currentTime, paused: audio.paused, duration: audio.duration,
          word: document.querySelector(".word.now")?.textContent ?? null,
          segment: document.querySelector(".segment[aria-current] .text")?.textContent ?? null,
          scrolled: scrollY};
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    library = Library(tmp_path_factory.mktemp("library"))
    add_sample(library)
    hostile = add_hostile(library)
    add_chapters(library, hostile, Chapter(0, HOSTILE_PICTURE, HOSTILE_LINK), Chapter(3000, HOSTILE))
    add_chapters(library, PART_2, *CHAPTERS)
    add_episode(library, "nothing but words " * 20, title="Only Words")
    index(library)
    with served(library) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """A window that must come to its end without a complaint in the console, a script error or a dialogue."""
    context = chromium.new_context(base_url=address, viewport={"width": 1000, "height": 700}, reduced_motion="reduce")
    context.set_default_timeout(120_000)  # on a machine with much else to do
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: complaints.append(f"dialogue: {dialog.message}"))
    yield page
    context.close()
    assert complaints == []


def until(page: Any, condition: str) -> None:
    """Waits until the condition holds of `audio`. The page's policy forbids Playwright's own way, which needs eval."""
    for _ in range(200):
        if page.evaluate(f"() => {{ const audio = document.querySelector('audio'); return {condition}; }}"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


def open_player(page: Any, path: str) -> Any:
    """The player page once audio and words are there."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    until(page, "audio.readyState >= 1 && !audio.seeking")
    return page.evaluate(STATE)


def said_at(ms: float) -> str:
    """The last word begun at that time."""
    return str([word["text"] for word in WORDS if word["start_ms"] <= ms][-1])


def test_a_phrase_is_searched_and_plays_at_its_first_word(page: Any) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill('"peer to peer"')
    page.get_by_role("button", name="Search").click()
    assert page.locator("mark").all_inner_texts() == ["peer to peer"]
    page.evaluate("""() => {
      const audio = document.querySelector("audio");
      audio.addEventListener("playing", () => { audio.dataset.began = audio.currentTime; }, {once: true});
    }""")
    page.get_by_role("button", name="Play at 2:09").click()
    page.wait_for_selector("audio[data-began]")
    began = float(page.locator("audio").get_attribute("data-began"))
    assert abs(began - PEER_MS / 1000) < NEAR_S
    assert page.get_by_role("button", name="Play at 2:09").get_attribute("aria-pressed") == "true"
    assert page.locator(".playing a").inner_text() == "Who Owns the Well? Part 1"


def test_a_second_press_pauses_and_another_hit_takes_over(page: Any) -> None:
    page.goto("/?q=hammer*")
    first, second = page.locator("button.play").nth(0), page.locator("button.play").nth(1)
    first.click()
    page.wait_for_selector("button.play[aria-pressed=true]")
    first.click()
    page.wait_for_selector("button.play[aria-pressed=false]")
    second.click()
    until(page, PLAYS)
    assert page.locator("button.play[aria-pressed=true]").count() == 1
    state = page.evaluate(STATE)
    assert LEAD_S <= state["at"] - int(second.get_attribute("data-start-ms")) / 1000 < 2


def test_a_hit_leads_to_its_word_in_the_transcript(page: Any) -> None:
    page.goto("/?q=%22peer+to+peer%22")
    page.locator(".hit .time").click()
    page.wait_for_selector(".word.now")
    assert page.locator(".word.now").inner_text() == "peer"
    assert page.locator(".word.sought").all_inner_texts() == ["peer", "to", "peer"]
    assert page.locator(".word.now").bounding_box()["y"] < 700


@pytest.mark.parametrize("link", ["#t=129.3", "#t=2:09.3", "#t=npt:129.3", "?t=129.3", "#t=129.3,131"])
def test_a_link_opens_at_its_time(page: Any, link: str) -> None:
    state = open_player(page, f"/episodes/{PART_1}{link}")
    assert abs(state["at"] - 129.3) < NEAR_S
    assert state["paused"]
    assert state["word"] == "peer"  # which begins at 129.380: links may be cut to a tenth
    assert state["scrolled"] > 0


def test_a_link_followed_later_goes_there_too(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}")
    page.evaluate("location.hash = 't=116.974'")
    page.wait_for_selector(".word.now")
    assert page.locator(".word.now").inner_text() == "But"
    assert abs(page.evaluate(STATE)["at"] - 116.974) < NEAR_S


def test_a_link_with_an_end_stops_there(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}#t=129.3,130.1")
    page.evaluate("document.querySelector('audio').play()")
    until(page, "audio.currentTime > 129.5 && audio.paused")
    assert abs(page.evaluate(STATE)["at"] - 130.1) < NEAR_S


def test_the_marked_word_follows_what_is_said(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}#t=128.4")
    page.evaluate("document.querySelector('audio').play()")
    marked = set()
    for _ in range(15):
        page.wait_for_timeout(150)
        state = page.evaluate(STATE)
        ms = state["at"] * 1000
        assert state["word"] in {said_at(late) for late in (ms - 250, ms - 100, ms, ms + 99)}
        marked.add(state["word"])
    assert len(marked) >= 4


def test_the_page_goes_along_until_the_reader_scrolls_away(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}#t=115")
    page.evaluate("document.querySelector('audio').play()")
    back = page.get_by_role("button", name="Back to where it plays")
    assert not back.is_visible()
    page.mouse.move(400, 300)
    page.mouse.wheel(0, -5000)
    back.wait_for()
    before = page.evaluate(STATE)
    until(
        page, f"document.querySelector('.segment[aria-current] .text').textContent !== {json.dumps(before['segment'])}"
    )
    assert page.evaluate(STATE)["scrolled"] == before["scrolled"]
    back.click()
    back.wait_for(state="hidden")
    top = page.locator(".segment[aria-current]").bounding_box()["y"]
    assert 0 < top < 700


def test_while_it_plays_what_is_said_stays_in_view(page: Any) -> None:
    page.set_viewport_size({"width": 1000, "height": 360})
    open_player(page, f"/episodes/{PART_1}#t=27")
    page.evaluate("document.querySelector('audio').playbackRate = 8; document.querySelector('audio').play()")
    until(page, "audio.currentTime > 55")
    page.evaluate("document.querySelector('audio').pause()")
    page.wait_for_timeout(300)
    box = page.locator(".segment[aria-current]").bounding_box()
    assert 0 <= box["y"] <= 360 - box["height"]


def test_a_click_on_a_word_plays_from_it(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}")
    row = page.locator(".segment", has_text="There was a village in the mountains")
    row.hover()
    row.locator(".word", has_text="mountains").click()
    until(page, PLAYS)
    start_ms = next(word["start_ms"] for word in WORDS if word["text"].startswith("mountains"))
    assert LEAD_S <= page.evaluate(STATE)["at"] - start_ms / 1000 < 2
    assert page.evaluate("location.hash") == f"#t={start_ms / 1000:g}"


def test_enter_on_a_time_plays_from_it(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}")
    page.locator(".paragraph", has_text="There was a village").locator(".time").press("Enter")
    until(page, PLAYS)
    assert LEAD_S <= page.evaluate(STATE)["at"] - SAMPLE[0]["sentences"][7]["start_ms"] / 1000 < 2


def test_a_click_between_words_plays_from_the_sentence(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}")
    page.locator(".segment", has_text="A stranger would have").evaluate("(segment) => segment.click()")
    until(page, PLAYS)
    assert LEAD_S <= page.evaluate(STATE)["at"] - SAMPLE[0]["sentences"][9]["start_ms"] / 1000 < 2


def test_sentences_of_one_speaker_stand_in_one_paragraph(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}")
    told = page.locator(".paragraph", has_text="There was a village").locator("p")
    assert told.inner_text() == " ".join(sentence["text"] for sentence in SAMPLE[0]["sentences"][7:11])
    assert page.locator(".segment").count() == len(SAMPLE[0]["sentences"])


def test_the_keyboard_plays_skips_and_searches(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}#t=60")
    page.keyboard.press("ArrowRight")
    assert abs(page.evaluate(STATE)["at"] - 65) < NEAR_S
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert abs(page.evaluate(STATE)["at"] - 55) < NEAR_S
    page.keyboard.press("Space")
    until(page, "!audio.paused")
    page.keyboard.press("Space")
    until(page, "audio.paused")
    page.keyboard.press("/")
    page.keyboard.type("two words")
    assert page.get_by_role("searchbox").input_value() == "two words"
    assert page.evaluate(STATE)["paused"]


def test_a_link_to_this_moment_is_copied(page: Any, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_player(page, f"/episodes/{PART_1}#t=42.5")
    page.get_by_role("button", name="Copy link to this moment").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}/episodes/{PART_1}#t=42.5"


@pytest.mark.parametrize("t", ["NaN", "-5", "1e99", "99999", "", "Infinity", "1:2:3:4", ",", "%00", "5,1"])
def test_a_time_that_is_none_is_brought_within_the_audio(page: Any, t: str) -> None:  # fault 60
    state = open_player(page, f"/episodes/{PART_1}#t={t}")
    assert 0 <= state["at"] <= state["duration"]
    assert (state["at"] > 155) == (t in ("1e99", "99999", "Infinity", "1:2:3:4"))


@pytest.mark.parametrize("t", ["NaN", "1e99", "3"])
def test_without_audio_the_transcript_still_shows_a_moment(page: Any, t: str) -> None:  # fault 60
    page.goto(f"/episodes/other-talks/2012-02-18-only-words#t={t}")
    page.wait_for_load_state("networkidle")
    page.locator(".paragraph .time").nth(0).click()
    assert page.locator(".segment[aria-current]").count() == 1
    page.keyboard.press("Space")


def test_hostile_text_is_text_and_breaks_no_rule_of_the_policy(page: Any) -> None:  # fault 59
    page.goto("/?q=aloud")
    assert HOSTILE in page.locator("main").inner_text()
    page.locator(".hit .play").click()
    assert page.locator(".playing a").inner_text() == HOSTILE_PICTURE
    page.locator(".hit .time").click()
    page.wait_for_selector(".word.now")
    assert page.locator("h1").inner_text() == HOSTILE_PICTURE
    assert HOSTILE in page.locator(".transcript").inner_text()
    assert page.locator("main script, main img").count() == 0
    page.goto("/episodes")
    assert HOSTILE_PICTURE in page.locator("main").inner_text()


@pytest.mark.parametrize("path", ["/", "/?q=the", f"/episodes/{PART_1}?q=water", "/episodes", "/docs"])
def test_no_page_is_wider_than_a_phone(page: Any, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_chapters_stand_as_headings_before_what_is_said_in_them_and_play(page: Any) -> None:
    open_player(page, f"/episodes/{PART_2}")
    headings = page.locator(".transcript h2")
    assert headings.locator("bdi").all_inner_texts() == [chapter.title for chapter in CHAPTERS]
    assert headings.nth(1).get_by_role("link", name="Web page").get_attribute("href") == CHAPTERS[1].link
    after = page.evaluate("""() => [...document.querySelectorAll(".transcript h2")].map(
      (heading) => Number(heading.nextElementSibling.querySelector(".segment").dataset.startMs))""")
    assert after == [SAMPLE[1]["sentences"][n]["start_ms"] for n in (0, 6, 12)]
    headings.nth(2).locator(".time").click()
    until(page, PLAYS)
    assert LEAD_S <= page.evaluate(STATE)["at"] - CHAPTERS[2].start_ms / 1000 < 2


def test_hostile_chapters_are_text(page: Any) -> None:  # fault 59
    page.goto("/?q=aloud")
    page.locator(".hit .time").click()
    page.wait_for_selector(".word.now")
    headings = page.locator(".transcript h2")
    assert headings.locator("bdi").all_inner_texts() == [HOSTILE_PICTURE, HOSTILE]
    assert headings.locator("a:not(.time)").count() == 0
    assert page.locator("main script, main img").count() == 0


def test_without_scripts_links_still_lead_to_the_moment(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?q=%22peer+to+peer%22")
    listen = page.get_by_role("link", name="Listen")
    assert listen.get_attribute("href") == f"/audio/{PART_1}#t={PEER_MS / 1000:g}"
    assert not page.locator("button.play").is_visible()
    page.goto(f"/episodes/{PART_1}")
    page.get_by_role("link", name="1:59").click()
    assert 0 < page.locator("[id='t=119.803']").bounding_box()["y"] < 720
    context.close()


def test_a_long_transcript_makes_words_only_where_they_are_needed(page: Any) -> None:
    open_player(page, f"/episodes/{PART_1}#t=60")
    assert 0 < page.locator(".word").count() < len(WORDS) / 4
