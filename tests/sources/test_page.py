"""What a page says of its episode."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import blog
from transcribe.sources.page import Page, no_audio, parse_page

URL = "https://blog.example/2012/02/18/the-well/"
WHOLE = blog.page("https://blog.example", blog.POSTS[0])


def read(markup: str, url: str = URL) -> Page:
    return parse_page(markup.encode(), url, "text/html; charset=utf-8")


def audio(markup: str) -> list[str]:
    return [url.removeprefix("https://blog.example") for url in read(markup).audio]


def test_a_page_of_the_blog_says_all_that_is_wanted() -> None:
    page = read(WHOLE, f"https://blog.example{blog.POSTS[0].path}")
    assert (page.title, page.show, page.author) == (blog.POSTS[0].title, blog.SHOW, "Jose Ramos")
    assert (page.published, page.description) == (blog.POSTS[0].published, blog.DESCRIPTION)
    assert page.audio == (f"https://blog.example{blog.POSTS[0].audio}",)
    assert page.feeds == ("https://blog.example/feed/",)  # not those of the comments
    assert page.addresses == (page.url, "https://blog.example/?p=1")


# Audio

LD = '<script type="application/ld+json">{"@type": "AudioObject", "contentUrl": "/ld.mp3"}</script>'
OG = '<meta property="og:audio" content="/og.mp3"><meta property="og:audio:secure_url" content="https://blog.example/og.mp3">'
PLAYER = "<audio src=/player.mp3></audio>"
LINK = "<a href=/link.mp3>get</a>"
MENTION = "<p>as in <a href=/mention.mp3>our last talk</a></p>"
SCRIPT = "<script>player('x').setup({file: '/script.mp3'});</script>"
EMBEDDED = '<iframe src="https://player.example/?file=/embedded.mp3"></iframe>'


@pytest.mark.parametrize(
    ("markup", "found", "found_by"),
    [
        (EMBEDDED + LINK + PLAYER + OG + LD, ["/ld.mp3"], "JSON-LD"),
        (EMBEDDED + LINK + PLAYER + OG, ["/og.mp3"], "og:audio"),
        (EMBEDDED + LINK + PLAYER, ["/player.mp3"], "player"),
        (EMBEDDED + LINK, ["/link.mp3"], "link"),
        (EMBEDDED + MENTION, ["/embedded.mp3"], "embedded"),
        (SCRIPT + MENTION, ["/mention.mp3"], "link"),
        (SCRIPT, ["/script.mp3"], "embedded"),
        (EMBEDDED, ["/embedded.mp3"], "embedded"),
        ("<p>Only words", [], ""),
    ],
)
def test_the_most_trusted_place_that_names_audio_is_believed(markup: str, found: list[str], found_by: str) -> None:
    assert (audio(markup), read(markup).found_by) == (found, found_by)


def test_several_files_are_parts_in_the_pages_order() -> None:
    assert audio("<a href=/2.mp3></a><a href=/1.mp3></a><a href=/3.ogg></a>") == ["/2.mp3", "/1.mp3", "/3.ogg"]
    assert audio("<audio src=/2.mp3></audio><audio src=/1.mp3></audio>") == ["/2.mp3", "/1.mp3"]


@pytest.mark.parametrize("own", [PLAYER, LINK, EMBEDDED])
def test_a_page_with_a_recording_of_its_own_does_not_count_what_it_mentions(own: str) -> None:
    assert len(audio(f"{own}<p>The first part is <a href=/part-1.mp3>here</a>.")) == 1


def test_a_player_and_a_download_at_two_addresses_are_no_parts() -> None:
    assert audio("<audio src=/stream/7></audio><a href=https://dl.example/talk.mp3 download>MP3</a>") == ["/stream/7"]


def test_of_links_in_sentences_the_one_of_the_pages_own_number_is_meant() -> None:
    links = "<p>Hear <a href=/owner_I.mp3>one</a> and <a href=/owner_II.mp3>two</a>"
    for title, found in (("The owner, part II", ["/owner_II.mp3"]), ("The owner", ["/owner_I.mp3", "/owner_II.mp3"])):
        assert audio(f"<h1>{title}</h1>{links}") == found


@pytest.mark.parametrize(
    ("files", "best"),
    [
        (["/talk_64kb.mp3", "/talk_vbr.mp3", "/talk.wav"], "/talk.wav"),
        (["/talk_64kb.mp3", "/talk_vbr.mp3"], "/talk_vbr.mp3"),
        (["/talk-32k.mp3", "/talk-192kbps.mp3", "/talk.mp3"], "/talk-192kbps.mp3"),
        (["/talk.ogg", "/talk.mp3"], "/talk.ogg"),
        (["/talk.lofi.mp3", "/talk.mp3"], "/talk.mp3"),
    ],
)
def test_a_talk_in_several_formats_and_qualities_is_the_best_of_them(files: list[str], best: str) -> None:
    assert audio("".join(f"<a href={file}>Download</a>" for file in files)) == [best]


def test_parts_with_numbers_are_no_qualities() -> None:
    assert len(audio("<a href=/talk_1.mp3></a><a href=/talk_2.mp3></a><a href=/talk-128.mp3></a>")) == 3


@pytest.mark.parametrize(
    "player",
    [
        '<object><param name="FlashVars" value="mp3=/a.mp3|/b.mp3"></object>',
        '<embed src="player.swf" flashvars="playerID=1&amp;soundFile=/a.mp3,/b.mp3">',
        '<script>AudioPlayer.embed("p", {soundFile: "/a.mp3,/b.mp3"});</script>',
        '<script class="wp-playlist-script" type="application/json">'
        '{"tracks": [{"src": "/a.mp3"}, {"src": "/b.mp3"}]}</script>',
        '<video><source src="/a.mp3"></video><video src="/b.mp3"></video>',
        '<link rel="enclosure" href="/a.mp3"><link rel="enclosure" href="/b.mp3">',
    ],
)
def test_a_player_may_be_given_several_files(player: str) -> None:
    assert audio(player) == ["/a.mp3", "/b.mp3"]


@pytest.mark.parametrize(
    "player",
    [
        '<script>AudioPlayer.embed("p", {soundFile: "aHR0cHM6Ly9ibG9nLmV4YW1wbGUvYS5tcDM"});</script>',
        """<embed src="flowplayer.swf" flashvars='config={"clip":{"url":"https://blog.example/a.mp3"}}'>""",
        '<script>flowplayer("p", "flowplayer.swf", {"clip": {"url": "https:\\/\\/blog.example\\/a.mp3"}});</script>',
        '<script>podlovePlayer("#p", {"title": "T", "audio": [{"url": "/a.mp3", "mimeType": "audio/mpeg"}]});</script>',
        '<script id="__NEXT_DATA__" type="application/json">{"props": {"episode": {"audioUrl": "/a.mp3"}}}</script>',
        "<div data-player='{&quot;src&quot;: &quot;/a.mp3&quot;}'></div>",
        '<meta name="twitter:player:stream" content="/a.mp3">',
        '<div itemscope itemtype="https://schema.org/AudioObject"><meta itemprop="contentUrl" content="/a.mp3"></div>',
        '<a href="/a.mp3" type="audio/mpeg">talk</a>',
        '<object type="audio/mpeg" data="/a.mp3"></object>',
        '<script>so.addVariable("mp3", "/a.mp3");</script>',
    ],
)
def test_players_of_old_and_new_are_given_their_file_in_many_ways(player: str) -> None:
    assert audio(player) == ["/a.mp3"]


def test_a_player_at_buzzsprout_names_its_file() -> None:
    script = "https://www.buzzsprout.com/12/345-the-well.js?container_id=buzzsprout-player-345&player=small"
    assert read(f'<script src="{script}"></script>').audio == ("https://www.buzzsprout.com/12/345-the-well.mp3",)
    frame = "https://www.buzzsprout.com/12/episodes/345-the-well?iframe=true"
    assert read(f'<iframe src="{frame}"></iframe>').audio == ("https://www.buzzsprout.com/12/345-the-well.mp3",)


def test_several_episodes_in_data_keep_each_its_name_and_date() -> None:
    told = [
        f'{{"@type": "PodcastEpisode", "name": "Talk {n}", "datePublished": "2012-0{n}-01", "url": "/talks/{n}/",'
        f' "associatedMedia": {{"@type": "MediaObject", "contentUrl": "/{n}.mp3"}}}}'
        for n in (1, 2)
    ]
    page = read(f'<script type="application/ld+json">[{",".join(told)}]</script>')
    assert [(each.title, each.published, each.link) for each in page.recordings] == [
        ("Talk 1", "2012-01-01", "https://blog.example/talks/1/"),
        ("Talk 2", "2012-02-01", "https://blog.example/talks/2/"),
    ]
    own = parse_page(
        f'<script type="application/ld+json">[{",".join(told)}]</script>'.encode(), "https://blog.example/talks/2"
    )
    assert own.audio == ("https://blog.example/2.mp3",)


def test_the_post_of_a_page_is_told_from_others_on_it() -> None:
    def post(number: int, heading: str = "h2") -> str:
        link = f"<{heading}><a href=/{number}/>Talk {number}</a></{heading}>"
        return f"<div class='post-{number} hentry'>{link}<audio src=/{number}.mp3></audio></div>"

    assert audio(f"<body class='single postid-2'>{post(1)}{post(2)}") == ["/2.mp3"]
    assert audio(f"<body>{post(1)}{post(2, 'h1')}") == ["/2.mp3"]
    assert read(f"{post(1)}{post(2)}", "https://blog.example/2/").audio == ("https://blog.example/2.mp3",)


def test_a_page_plays_more_than_its_metadata_names() -> None:
    assert audio(OG + "<audio src=/1.mp3></audio><audio src=/og.mp3></audio>") == ["/1.mp3", "/og.mp3"]


@pytest.mark.parametrize(
    "again",
    [
        "<a href=/a.mp3?_=2>",
        "<a href=/a.mp3?token=b#t=3>",
        "<a href=http://www.blog.example/a.mp3>",
        "<a href=https://media.counter.example/show/p/blog.example/a.mp3>",
        "<a href=/a.ogg>",
        "<a href=' /x/../a.mp3\n'>",
    ],
)
def test_a_file_that_is_offered_again_is_one(again: str) -> None:
    assert audio(f"<audio src=/a.mp3?_=1></audio>{again}") == ["/a.mp3"]


def test_a_token_stays_where_it_is_needed() -> None:
    assert audio('<a href="/a.mp3?_=1&amp;token=x&amp;b_=2">') == ["/a.mp3?token=x&b_=2"]
    assert audio('<audio src="/play?id=1"></audio><audio src="/play?id=2"></audio>') == ["/play?id=1", "/play?id=2"]


def test_what_a_sidebar_plays_is_another_episode() -> None:
    assert audio("<aside><audio src=/new.mp3></audio></aside><article><a href=/a.mp3></a></article>") == ["/a.mp3"]


@pytest.mark.parametrize(
    "address",
    ["javascript:a.mp3", "data:audio/mpeg,a.mp3", "file:///etc/a.mp3", "ftp://x.example/a.mp3", "http://[/a.mp3",
     "http:///a.mp3", "https://x.example:99999/a.mp3", "blob:https://x.example/a.mp3", "", " "],
)  # fmt: skip
def test_only_addresses_of_the_web_count(address: str) -> None:  # fault line 1
    page = read(f'<audio src="{address}"></audio><a href="{address}"></a><link rel="canonical" href="{address}">')
    assert (page.audio, page.addresses) == ((), (URL,))


def test_addresses_are_seen_from_the_base_that_the_page_gives() -> None:
    assert read("<base href=//cdn.example/x/><a href=a.mp3>").audio == ("https://cdn.example/x/a.mp3",)
    assert read("<base href=javascript:0><a href=a.mp3>").audio == (f"{URL}a.mp3",)


def test_a_page_without_audio_says_what_was_looked_for() -> None:
    problem = no_audio("https://me:secret@blog.example/", also="Nobody else knows.")
    assert problem.code == "no_audio_on_page"
    assert all(what in str(problem) for what in ("JSON-LD", "og:audio", "<audio>", "links", "Nobody else"))
    assert "secret" not in str(problem)


# Texts


@pytest.mark.parametrize(
    "head",
    [
        '<script type="application/ld+json">{"@type": "PodcastEpisode", "name": "The &#8220;Well&#8221;"}</script>',
        '<meta property="og:title" content="The “Well” - Peer Talks">',
        "<h1>Peer Talks</h1><h1>The “Well”</h1>",
        "<title>The “Well” | Peer Talks</title>",
        "<title>Peer Talks » The “Well”</title>",
    ],
)
def test_the_title_is_the_episodes_without_the_sites_name(head: str) -> None:
    page = read(f'{head}<meta property="og:site_name" content="Peer Talks">')
    assert (page.title, page.show) == ("The “Well”", "Peer Talks")


def test_a_page_without_a_title_is_called_after_its_address() -> None:
    assert (read("").title, read("").show) == ("the well", "blog.example")
    assert read("", "https://blog.example/").title == "blog.example"


def test_the_title_of_its_feed_names_the_show() -> None:
    link = '<link rel="alternate" type="application/rss+xml" title="Peer Talks &raquo; Feed" href="/feed/">'
    assert read(link).show == "Peer Talks"


@pytest.mark.parametrize(
    ("markup", "published"),
    [
        ('<meta property="article:published_time" content="2012-03-01T09:00:00+11:00">', "2012-02-29T22:00:00Z"),
        ('<script type="application/ld+json">{"@type":"Article","datePublished":"2012-03-02"}</script>', "2012-03-02"),
        ("<time datetime=2011-01-01></time><article><time datetime=2012-03-03></time></article>", "2012-03-03"),
        ("<time datetime=2011-01-01></time><time class=entry-date datetime=2012-03-04></time>", "2012-03-04"),
        ('<abbr class="published" title="2012-03-05T10:30:00+00:00">March 5</abbr>', "2012-03-05T10:30:00Z"),
        ('<div class=hentry><time class="entry-date">5. März 2012</time></div>', "2012-03-05"),
        ('<span class="updated">2013-01-01</span><span class="published">March 5, 2012</span>', "2012-03-05"),
        ('<html lang=fi><span class="entry-date">5. maaliskuuta 2012</span>', "2012-03-05"),
        ('<meta name="date" content="soon"><time datetime="PT3M">', "2012-02-18"),  # of the address
        ('<meta property="article:published_time" content="0001-01-01T00:00:00+14:00">', "2012-02-18"),
    ],
)
def test_the_date_is_found(markup: str, published: str) -> None:
    assert read(markup).published == published


@pytest.mark.parametrize(
    ("url", "published"),
    [
        ("https://x.example/2012-02-18-the-well", "2012-02-18"),
        ("https://x.example/2012/02/", None),
        ("https://x.example/2012/13/45/", None),
    ],
)
def test_an_address_may_hold_the_date(url: str, published: str | None) -> None:
    assert read("", url).published == published


def test_an_author_is_a_name() -> None:
    facebook = '<meta property="article:author" content="https://social.example/jose">'
    assert read(facebook).author is None
    assert read(facebook + '<meta name="author" content="Jose Ramos">').author == "Jose Ramos"


# Themes of 2012


def test_the_first_theme_of_wordpress_is_read() -> None:
    page = read(
        """<title>Voices of Change &raquo; Blog Archive &raquo; The Commons, Part II</title>
        <div id="header"><h1><a href="https://blog.example/">Voices of Change</a></h1></div>
        <div class="post" id="post-25"><h2><a href="/?p=25" rel="bookmark">The Commons, Part II</a></h2>
        <div class="entrytext"><a href="/ii.mp3">Listen</a><p class="postmetadata alt"><small>This entry was posted on
        Saturday, February 25th, 2012 at 9:30 pm and is filed under Talks.</small></p></div></div>
        <ol class="commentlist"><li><small class="meta">March 3rd, 2013</small></li></ol>""",
        "https://blog.example/?p=25",
    )
    assert (page.title, page.show) == ("The Commons, Part II", "Voices of Change")
    assert (page.published or "")[:10] == "2012-02-25"


@pytest.mark.parametrize(
    ("head", "show"),
    [
        ('<link rel="alternate" type="application/atom+xml" title="Peer Talks - Atom" href="/f">', "Peer Talks"),
        ("<title>The Well : Free Download : Internet Archive</title><h1>The Well</h1>", "Internet Archive"),
        ("<title>The Well | Peer Talks - Radio</title><h1>The Well</h1>", "Peer Talks - Radio"),
    ],
)
def test_blogger_and_archives_name_the_show(head: str, show: str) -> None:
    assert read(head).show == show


def test_a_heading_that_links_to_its_own_page_names_no_site() -> None:
    assert read(f'<h1><a href="{URL}">The Well</a></h1>').title == "The Well"


def test_the_posts_of_blogger_are_a_widget() -> None:
    widget = "<div class='widget Blog' id='Blog1'><div class='post hentry'><a href=/a.mp3>Listen</a></div></div>"
    assert audio(f"{widget}<div class='widget HTML'><a href=/b.mp3>Listen</a></div>") == ["/a.mp3"]


@pytest.mark.parametrize(("title", "files"), [("Part II", ["/c-II.mp3"]), ("Talk", ["/c-I.mp3", "/c-II.mp3"])])
def test_the_page_of_a_part_may_play_the_part_before_it_again(title: str, files: list[str]) -> None:
    assert audio(f"<h1>{title}</h1><audio src=/c-I.mp3></audio><audio src=/c-II.mp3></audio>") == files


@pytest.mark.parametrize(
    ("line", "published"),
    [
        ("By Jose on February 5, 2012 | 3 Comments", "2012-02-05"),
        ("February 5 | 3 comments", "2012-02-18"),  # of the address
    ],
)
def test_a_line_about_a_post_has_its_date(line: str, published: str) -> None:
    assert read(f'<div class="hentry"><p class="entry-meta">{line}</p></div>').published == published


# Anything at all


def cut(page: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page))
    return page[:start] + page[start + chance.randrange(200) :]


def doubled(page: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page))
    return page[:start] + page[start : start + 300] * chance.randrange(40) + page[start:]


def littered(page: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page))
    litter = chance.choice(
        [b"<", b">", b'"', b"\0", b"\xff", b"&#x110000;", b"<!--", b"<base href=http://[>", b"</script>"]
    )
    return page[:start] + litter + page[start:]


def changed(page: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(page))
    return page[:place] + chance.randbytes(1) + page[place + 1 :]


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [cut, doubled, littered, changed]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_page_broken_in_any_way_is_read_without_harm(
    mutations: list[Callable[[bytes, random.Random], bytes]], chance: random.Random
) -> None:
    page = (WHOLE + LD + OG + EMBEDDED).encode()
    for mutate in mutations:
        page = mutate(page, chance) or b"<"
    told = parse_page(page, URL, chance.choice(["", "text/html", "text/html; charset=utf-16"]))
    assert [u for u in (*told.audio, *told.feeds, *told.addresses) if not u.startswith(("http://", "https://"))] == []
    assert told.title.isprintable() or told.title


@given(st.text(), st.binary())
def test_any_text_and_any_bytes_are_borne(text: str, data: bytes) -> None:
    assert parse_page(data, URL).url == URL
    read(f"<base href='{text}'><a href='{text}.mp3'><title>{text}</title>")


# Copies in a web archive

ARCHIVED = "https://web.archive.org/web/20120301120000/http://blog.example/2012/02/18/the-well/"


def test_an_archived_page_is_of_its_own_site_and_date() -> None:
    page = read("<title>The Well</title><a href=/web/20120301120000/http://blog.example/a.mp3></a>", ARCHIVED)
    assert (page.show, page.published, page.link) == ("blog.example", "2012-02-18", ARCHIVED)
    assert page.audio == ("https://web.archive.org/web/20120301120000/http://blog.example/a.mp3",)


def test_a_feed_under_the_pages_own_path_comes_last_and_that_of_comments_not_at_all() -> None:
    feeds = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{address}">'
        for title, address in (("Own", "/radar/feed"), ("Kommentarer", "/radar/feed/c"), ("All", "/feed"))
    )
    assert read(feeds, "https://blog.example/radar").feeds == (
        "https://blog.example/feed",
        "https://blog.example/radar/feed",
    )


SAID = "<h1>The owner, part II</h1><div class=post>{}</div>"


@pytest.mark.parametrize(
    ("post", "files"),
    [
        ("Part 1: <a href=/am.mp3>Listen</a> | Part 2: <a href=/pm.mp3>Listen</a>", ["/pm.mp3"]),
        ("<p>Part I</p><a href=/am.mp3>Listen</a><p>Part II</p><a href=/pm.mp3>Listen</a>", ["/pm.mp3"]),
        ("<h3>Part one</h3><audio src=/am.mp3></audio><h3>Part two</h3><audio src=/pm.mp3></audio>", ["/pm.mp3"]),
        ("<a href=/am.mp3>Download part one</a> <a href=/pm.mp3>Download</a>", ["/pm.mp3"]),
        ("The first: <a href=/am.mp3>listen</a>. <a href=/pm.mp3>The second part of our talk</a>", ["/pm.mp3"]),
        ("<a href=/pm.mp3>2. Teil anhören</a>, <a href=/am.mp3>1. Teil anhören</a>", ["/pm.mp3"]),
        ("<p>In part one we spoke of wells. <audio src=/pm.mp3></audio>", ["/pm.mp3"]),
        ("Part I <audio src=/am.mp3></audio> Part II <audio src=/pm.mp3></audio>", ["/pm.mp3"]),
        ("<a href=/am.mp3>Première partie</a> <a href=/pm.mp3>Deuxième partie</a>", ["/pm.mp3"]),
        ("<p>It went on from part 1. <a href=/pm.mp3>Listen</a>", ["/pm.mp3"]),
        ("<a href=/am.mp3>Listen to part I</a>", ["/am.mp3"]),  # all that it has
        ("<a href=/am.mp3>Listen</a> <a href=/pm.mp3>Listen</a>", ["/am.mp3", "/pm.mp3"]),  # nothing tells
    ],
)
def test_words_beside_a_link_or_player_tell_which_part_it_is(post: str, files: list[str]) -> None:
    assert audio(SAID.format(post)) == files


# Blogs of 2012, each as its program wrote them.

WORDPRESS = """<html><head><title>Action Foresight &raquo; Occupy, Part II</title></head><body class="single postid-7">
<div id="header"><h1><a href="http://blog.example/">Action Foresight</a></h1></div>
<div class="post-7 post hentry" id="post-7"><h2>Occupy, Part II</h2>
<div class="entry">{}<p class="postmetadata alt"><small>This entry was posted on Saturday, February 25th, 2012
and is filed under Talks.</small></p></div></div></body></html>"""
TYPEPAD = """<html><head><title>Action Foresight: Occupy, Part II</title></head><body>
<h2 class="date-header">25 February 2012</h2><div class="entry-author-jose entry-type-post entry" id="entry-6a00">
<h3 class="entry-header"><a href="http://blog.example/2012/02/occupy-ii.html">Occupy, Part II</a></h3>
<div class="entry-content"><div class="entry-body"><a href="/ii.mp3">Download ii.mp3 (12.3K)</a></div></div></div>"""
DRUPAL = """<html><head><title>Occupy, Part II | Action Foresight</title></head><body><div class="node node-audio">
<h1 class="title">Occupy, Part II</h1><div class="submitted">Submitted by jose on Sat, 02/25/2012</div>
<div class="content"><a href="/ii.mp3">ii.mp3</a></div></div>"""
PODPRESS = """<a href="http://blog.example/podpress_trac/web/7/0/ii.mp3"><img src="listen.png"></a>
<a href="http://blog.example/podpress_trac/play/7/0/ii.mp3">Play Now</a>"""


@pytest.mark.parametrize(
    ("markup", "address"),
    [
        (WORDPRESS.format("<p>[audio:http://blog.example/ii.mp3|titles=Two]</p>"), "/ii.mp3"),  # its plugin is gone
        (WORDPRESS.format('<p>[audio mp3="http://blog.example/ii.mp3"][/audio]</p>'), "/ii.mp3"),
        (WORDPRESS.format("<p>Download: http://blog.example/ii.mp3</p>"), "/ii.mp3"),
        (WORDPRESS.format("<p>{mp3}http://blog.example/ii.mp3{/mp3}</p>"), "/ii.mp3"),
        (WORDPRESS.format(PODPRESS), "/podpress_trac/web/7/0/ii.mp3"),
        (TYPEPAD, "/ii.mp3"),
        (DRUPAL, "/ii.mp3"),
    ],
)
def test_a_blog_of_2012_has_one_recording_with_its_title_show_and_date(markup: str, address: str) -> None:
    page = parse_page(markup.encode(), "http://blog.example/2012/02/occupy-ii.html", "text/html; charset=utf-8")
    assert (page.title, page.show, page.published) == ("Occupy, Part II", "Action Foresight", "2012-02-25")
    assert page.audio == (f"http://blog.example{address}",)


@pytest.mark.parametrize(
    "hidden", ["<script>var a = 'x http://h.example/a.mp3 y'; f(a)</script>", "<!-- http://h/a.mp3 -->"]
)
def test_an_address_in_a_text_comes_last_and_counts_only_where_it_is_read(hidden: str) -> None:
    text = "<p>http://h.example/b.mp3</p>"
    assert read(f"{text}{LINK}").found_by == "link"
    assert read(text).found_by == "text"
    assert read(hidden).found_by in ("", "embedded")


LISTED = """<div class="post-{n} post hentry"><h2 class="entry-title"><a href="/{n}/">Occupy, Part {n}</a></h2>
<abbr class="published" title="2012-02-{n}">x</abbr>
<div class="entry-content"><a href="/{n}.mp3">Download</a></div></div>"""


def test_a_page_that_lists_posts_has_the_recording_of_each() -> None:
    posts = "".join(LISTED.format(n=n) for n in (25, 18))
    page = read(f"<title>Occupy | Action Foresight</title><body class='archive tag'>{posts}")
    assert [(each.title, each.published, each.link.rpartition("example")[2]) for each in page.recordings] == [
        ("Occupy, Part 25", "2012-02-25", "/25/"),
        ("Occupy, Part 18", "2012-02-18", "/18/"),
    ]
    assert [address.rpartition("/")[2] for address in page.audio] == ["25.mp3", "18.mp3"]
    own = "<div class='post hentry'><h2>The talk</h2><a href=/own.mp3>Download</a></div>"
    assert audio(f"{own}{posts}") == ["/own.mp3"]  # the others are offered after it
