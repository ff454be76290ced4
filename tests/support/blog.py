"""A blog of two episodes, as WordPress with PowerPress serves it: the case Playhead was started for."""

from dataclasses import dataclass
from pathlib import Path

from pytest_httpserver import HTTPServer

TALK = (Path(__file__).parents[1] / "data/talk.mp3").read_bytes()
SHOW = "Action Foresight"
TITLE = "Occupy Wall Street and the Peer-to-Peer Revolution"


@dataclass(frozen=True, slots=True)
class Post:
    """One part of the interview."""

    number: int
    day: str  # of February 2012, two digits

    @property
    def title(self) -> str:
        return f"{TITLE}, Part {self.number}"

    @property
    def path(self) -> str:
        return f"/2012/02/{self.day}/occupy-wall-street-part-{self.number}/"

    @property
    def audio(self) -> str:
        return f"/wp-content/uploads/2012/02/occupy-part-{self.number}.mp3"

    @property
    def sound(self) -> bytes:
        """A real mp3, of other bytes than any other part's: tags may be padded."""
        return TALK + bytes(self.number)

    @property
    def published(self) -> str:
        return f"2012-02-{self.day}T10:30:00Z"


POSTS = (Post(1, "18"), Post(2, "25"))
DESCRIPTION = "Jose Ramos interviews Michel Bauwens of the P2P Foundation."

PAGE = """<!DOCTYPE html>
<html lang="en-US"><head><meta charset="UTF-8" />
<title>{title} | {show}</title>
<link rel="alternate" type="application/rss+xml" title="{show} &raquo; Feed" href="{site}/feed/" />
<link rel="alternate" type="application/rss+xml" title="{show} &raquo; Comments Feed" href="{site}/comments/feed/" />
<link rel="alternate" type="application/rss+xml" title="{show} &raquo; {title} Comments Feed" href="{url}feed/" />
<link rel="alternate" type="application/json+oembed" href="{site}/wp-json/oembed?url={url}" />
<link rel="canonical" href="{url}" /><link rel="shortlink" href="{site}/?p={number}" />
<meta property="og:type" content="article" /><meta property="og:title" content="{title}" />
<meta property="og:url" content="{url}" /><meta property="og:site_name" content="{show}" />
<meta property="og:description" content="{description}" />
<meta property="article:published_time" content="2012-02-{day}T21:30:00+11:00" />
<meta name="author" content="Jose Ramos" />
</head><body>
<header><h1><a href="{site}/">{show}</a></h1></header>
<article class="post"><h2 class="entry-title">{title}</h2>
<time class="entry-date" datetime="2012-02-{day}T21:30:00+11:00">February {day}, 2012</time>
<p>{description} The other part is <a href="{other}">here</a>.</p>
<!--powerpress_player--><div class="powerpress_player" id="powerpress_player_{number}">
<audio class="wp-audio-shortcode" id="audio-{number}-1" preload="none" controls="controls">
<source type="audio/mpeg" src="{audio}?_={number}" /><a href="{audio}">{audio}</a></audio></div>
<p class="powerpress_links powerpress_links_mp3">Podcast:
<a href="{audio}" class="powerpress_link_pinw" target="_blank" rel="nofollow">Play in new window</a> |
<a href="{audio}" class="powerpress_link_d" rel="nofollow" download="part.mp3">Download</a></p>
</article>
<aside><h2>Listen to others</h2><a href="/wp-content/uploads/2011/12/another-talk.mp3">Another talk</a></aside>
</body></html>"""

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
<channel><title>{show}</title><link>{site}</link><description>Futures</description>
<atom:link href="{site}/feed/" rel="self" type="application/rss+xml" />
<generator>https://wordpress.org/?v=6.4</generator>
{items}</channel></rss>"""

ITEM = """<item><title>{title}</title><link>{url}</link><pubDate>{pub_date}</pubDate>
<dc:creator><![CDATA[Jose Ramos]]></dc:creator><guid isPermaLink="false">{site}/?p={number}</guid>
<description><![CDATA[{description} The post <a href="{url}">{title}</a> appeared first.]]></description>
<enclosure url="{audio}" length="{length}" type="audio/mpeg" /></item>
"""


@dataclass(frozen=True, slots=True)
class Blog:
    """Where it is served."""

    site: str  # without the last slash

    @property
    def feed(self) -> str:
        return f"{self.site}/feed/"

    @property
    def pages(self) -> list[str]:
        return [self.site + post.path for post in POSTS]

    @property
    def audio(self) -> list[str]:
        return [self.site + post.audio for post in POSTS]


def page(site: str, post: Post) -> str:
    """One episode's page."""
    other = next(other for other in POSTS if other is not post)
    return PAGE.format(
        site=site, show=SHOW, title=post.title, description=DESCRIPTION, number=post.number, day=post.day,
        url=site + post.path, other=site + other.path, audio=site + post.audio,
    )  # fmt: skip


def feed(site: str, posts: tuple[Post, ...] = POSTS) -> str:
    """The blog's feed, the newest post first, and one without audio among them."""
    dates = {"18": "Sat, 18 Feb 2012 10:30:00 +0000", "25": "Sat, 25 Feb 2012 10:30:00 +0000"}
    items = [
        ITEM.format(
            site=site, title=post.title, description=DESCRIPTION, number=post.number, url=site + post.path,
            pub_date=dates[post.day], audio=site + post.audio, length=len(post.sound),
        )
        for post in reversed(posts)
    ]  # fmt: skip
    written = f"<item><title>Only words</title><link>{site}/2012/03/01/words/</link></item>"
    return FEED.format(show=SHOW, site=site, items=written + "".join(items))


def serve_blog(server: HTTPServer, posts_in_feed: tuple[Post, ...] | None = POSTS) -> Blog:
    """Puts the blog on a server; `posts_in_feed` are those its feed still has, None is for a feed that is gone."""
    site = server.url_for("").rstrip("/")
    for post in POSTS:
        server.expect_request(post.path).respond_with_data(page(site, post), content_type="text/html; charset=UTF-8")
        server.expect_request(post.audio).respond_with_data(post.sound, content_type="audio/mpeg")
    if posts_in_feed is None:
        server.expect_request("/feed/").respond_with_data("gone", status=404)
    else:
        xml = feed(site, posts_in_feed)
        server.expect_request("/feed/").respond_with_data(xml, content_type="application/rss+xml; charset=UTF-8")
    return Blog(site)


# The same blog in the shapes in which it may be met today.

OLD_PAGE = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" lang="en-US"><head><meta charset="UTF-8" />
<title>{title} | {show}</title>{feed}<link rel='canonical' href='{url}' /></head>
<body class="single single-post postid-{number}"><div id="wrapper" class="hfeed">
<div id="header"><div id="site-title"><a href="{site}/" rel="home">{show}</a></div></div>
<div id="container"><div id="content" role="main">
<div id="nav-above" class="navigation"><a href="{other}" rel="prev">{other_title}</a></div>
<div id="post-{number}" class="post-{number} post type-post status-publish hentry category-podcast">
<h1 class="entry-title">{title}</h1>
<div class="entry-meta"><span class="meta-prep">Posted on</span>
<a href="{url}" rel="bookmark">
<abbr class="published" title="2012-02-{day}T10:30:00+00:00">February {day}, 2012</abbr></a>
</div><div class="entry-content"><p>Jose Ramos interviews Michel Bauwens.</p>
{player}</div>
<div class="entry-utility">Bookmark the <a href="{url}" rel="bookmark">permalink</a>.</div></div>
<div id="comments"><ol class="commentlist">{comments}</ol></div></div></div>
<div id="primary" class="widget-area" role="complementary"><ul class="xoxo">{sidebar}</ul></div>
<div id="footer" role="contentinfo">{footer}</div></div></body></html>"""

# PowerPress 2 and 3, with its player of Flash.
POWERPRESS_2012 = """<!--powerpress_player-->
<div class="powerpress_player" id="powerpress_player_{number}"></div>
<script type="text/javascript"><!--
pp_flashembed('powerpress_player_{number}', {{src: '/wp-content/plugins/powerpress/FlowPlayerClassic.swf'}},
 {{config: {{videoFile: '{audio}', autoPlay: false}} }} );
//--></script>
<p class="powerpress_links powerpress_links_mp3">Podcast: <a href="{audio}" class="powerpress_link_pinw"
 target="_blank" title="Play in new window" rel="nofollow">Play in new window</a>
 | <a href="{audio}" class="powerpress_link_d" title="Download" rel="nofollow">Download</a>
 (Duration: 30:12 &#8212; 27.7MB)
</p>"""
LISTEN = '<p><a href="{audio}">Listen</a></p>'
ELSEWHERE = '<li><a href="/wp-content/uploads/2011/12/another-talk.mp3">Listen to another talk</a></li>'
FEED_LINK = '<link rel="alternate" type="application/rss+xml" title="{show} &raquo; Feed" href="{feed}" />'
DEAD = "http://blog.invalid"  # no such host will ever be (RFC 6761, section 6.4)
SHAPES = (
    "own feed",
    "archived with feed",
    "archived without feed",
    "sidebar",
    "cross links",
    "PowerPress of 2012",
    "download.php",
    "podcast moved",
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the two posts are served."""

    name: str
    site: str  # what the pages' own addresses begin with, without the last slash

    def page(self, numeral: str) -> str:
        return f"{self.site}/2012/02/{_day(numeral)}/occupy-{numeral.lower()}/"

    def audio(self, numeral: str) -> str:
        if self.name == "download.php":
            return f"{self.site}/download.php?file=occupy-{numeral.lower()}.mp3"
        return f"{self.site}/wp-content/uploads/2012/02/occupy-{numeral.lower()}.mp3"


def sound(numeral: str) -> bytes:
    """Part I is a talk; part II is its second half."""
    return TALK if numeral == "I" else TALK[len(TALK) // 2 :]


def serve_shape(server: HTTPServer, name: str) -> list[str]:
    """Puts the blog on a server in a shape; the addresses of its two pages, part I first."""
    live = server.url_for("").rstrip("/")
    archive = f"{live}/web/20120301120000"
    shape = Shape(name, f"{archive}/{DEAD}" if name.startswith("archived") else live)
    for numeral in ("I", "II"):
        _serve(server, shape.page(numeral), _old_page(shape, numeral), "text/html; charset=UTF-8")
        if name == "podcast moved":
            _serve(server, f"{live}/moved/occupy-{numeral.lower()}.mp3", sound(numeral), "audio/mpeg")
        else:
            _serve(server, shape.audio(numeral), sound(numeral), "audio/mpeg")
    if _has_feed(name):
        _serve(server, f"{shape.site}/feed/", _old_feed(shape, live), "application/rss+xml")
    return [shape.page(numeral) for numeral in ("I", "II")]


def _serve(server: HTTPServer, url: str, body: str | bytes, kind: str) -> None:
    path, _, query = url.removeprefix(server.url_for("").rstrip("/")).partition("?")
    server.expect_request(path, query_string=query or None).respond_with_data(body, content_type=kind)


def _old_page(shape: Shape, numeral: str) -> str:
    other, audio = ("II" if numeral == "I" else "I"), shape.audio(numeral)
    player = (POWERPRESS_2012 if shape.name == "PowerPress of 2012" else LISTEN).format(
        audio=audio, number=_day(numeral)
    )
    if shape.name == "cross links" and numeral == "II":
        player += f'<p>The conversation begins in <a href="{shape.audio("I")}">part one</a>.</p>'
    busy = shape.name == "sidebar"
    comment = f'<li class="comment"><div class="comment-body">My answer: {ELSEWHERE}</div></li>'
    feed = FEED_LINK.format(show=SHOW, feed=f"{shape.site}/feed/") if _has_feed(shape.name) else ""
    return OLD_PAGE.format(
        title=_title(numeral), show=SHOW, site=shape.site, url=shape.page(numeral), number=_day(numeral),
        day=_day(numeral), other=shape.page(other), other_title=_title(other), player=player, feed=feed,
        comments=comment if busy else "", sidebar=ELSEWHERE if busy else "", footer=ELSEWHERE if busy else "",
    )  # fmt: skip


def _old_feed(shape: Shape, live: str) -> str:
    """The feed as the blog wrote it: an archive keeps it as it was, addresses and all."""
    blog = DEAD if shape.name.startswith("archived") else live
    there = Shape(shape.name, blog)
    moved = f"{live}/moved/occupy-{{}}.mp3"
    items = [
        ITEM.format(
            site=blog, title=_title(numeral), description=DESCRIPTION, number=_day(numeral),
            url=there.page(numeral), pub_date=f"Sat, {_day(numeral)} Feb 2012 10:30:00 +0000",
            length=len(sound(numeral)),
            audio=moved.format(numeral.lower()) if shape.name == "podcast moved" else there.audio(numeral),
        )
        for numeral in ("II", "I")
    ]  # fmt: skip
    return FEED.format(show=SHOW, site=blog, items="".join(items))


def _has_feed(name: str) -> bool:
    return name in ("own feed", "archived with feed", "podcast moved")


def _day(numeral: str) -> str:
    return "18" if numeral == "I" else "25"


def _title(numeral: str) -> str:
    return f"Occupy Wall Street, Part {numeral}"
