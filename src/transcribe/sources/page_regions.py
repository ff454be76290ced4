"""Which part of a page an element stands in: a post, beside it, or neither.

Themes tell a post by hAtom (`hentry`), WordPress (`post-7`, `entry-content`), ARIA (`role=main`) and schema.org
(`itemprop=articleBody`); sidebars, footers, menus and comments by their tags, roles, classes and ids. No network.
"""

import re
from dataclasses import dataclass

_BESIDE_TAGS = ("aside", "footer", "nav")
_BESIDE_ROLES = ("complementary", "navigation", "contentinfo")
_BESIDE_NAMES = frozenset(
    (
        *("comment", "comments", "comments-area", "commentlist", "comment-list", "comment-body", "respond"),
        *("disqus_thread", "pingback", "trackback", "footer", "site-footer", "colophon", "navigation", "nav-below"),
        *("post-navigation", "post-nav", "menu", "related", "related-posts", "related_posts", "relatedposts"),
        *("related-episodes", "related-articles", "jp-relatedposts", "yarpp", "yarpp-related", "crp_related"),
        *("recent-posts", "recent-episodes", "latest-episodes", "latest-posts", "popular-posts", "more-episodes"),
        *("read-next", "recommended", "widget-area", "widgets", "blogroll"),
    )
)
# Builders of pages make posts of widgets, so within a post these say nothing.
_OUTSIDE_POSTS = frozenset(("widget", "sidebar"))
# Names of a column beside the post, which some themes give to what is around both.
_COLUMN = re.compile(
    r"(?:(?:primary|secondary|tertiary|left|right|site|main|blog|page|the)[-_]?)?sidebars?"
    r"(?:[-_]?(?:\d+|primary|secondary|left|right|widgets?|area|inner|container|wrap(?:per)?))?"
)
_POST_NAME = re.compile(r"h-?entry|post-(\d+)|type-post|type-podcast|entry-type-post")
_BODY_NAMES = frozenset(
    ("entry-content", "post-content", "post-body", "entry-body", "e-content", "article-body", "post-entry")
)
_POST_KINDS = re.compile(r"(?:BlogPosting|NewsArticle|Article|PodcastEpisode|RadioEpisode|Episode)$")
_COMMENT_NAMES = frozenset(("comment", "comment-body"))


@dataclass(frozen=True, slots=True)
class Region:
    """Where in a page an element stands."""

    post: int | None = None  # which of the page's posts, counted from 0; None for none
    main: bool = False  # within what the page says is its main content
    beside: bool = False  # in a sidebar, a footer, a menu, comments or other posts that are offered


class Regions:
    """Follows the tags of a page."""

    def __init__(self) -> None:
        self.posts: list[str | None] = []  # for each post its number in WordPress, where it says that
        self._open: list[tuple[Region, bool]] = []  # for each open element its region; whether it can be left again

    @property
    def here(self) -> Region:
        """Of the innermost open element."""
        return self._open[-1][0] if self._open else Region()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        region, for_good = self._open[-1] if self._open else (Region(), False)
        if tag in ("html", "body") or (region.beside and for_good):
            self._open.append((region, for_good))
            return
        names = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().split()
        role = attributes.get("role", "").lower()
        is_beside = tag in _BESIDE_TAGS or role in _BESIDE_ROLES or not _BESIDE_NAMES.isdisjoint(names)
        is_body = not _BODY_NAMES.isdisjoint(names) or attributes.get("itemprop", "").lower() == "articlebody"
        is_post = _is_post(tag, names, attributes)
        is_widget = not _OUTSIDE_POSTS.isdisjoint(names) and "blog" not in names  # Blogger's posts are a `widget Blog`
        if is_beside or (region.post is None and is_widget):
            self._open.append((Region(region.post, region.main, beside=True), True))
        elif is_body or is_post or "main" in (tag, role):
            is_new = is_post and (region.post is None or tag == "article")
            self._open.append((self._entered(region, names, is_new, is_body), False))
        elif region.post is None and any(_COLUMN.fullmatch(name) for name in names):
            self._open.append((Region(region.post, region.main, beside=True), False))
        else:
            self._open.append((region, for_good))

    def end(self) -> None:
        """The innermost element ends."""
        if self._open:
            self._open.pop()

    def _entered(self, region: Region, names: list[str], is_new: bool, is_body: bool) -> Region:
        """Gives the region of a post, or of the main content of a page or of a post."""
        if not is_new and not (is_body and region.post is None):
            return Region(region.post, main=region.main or is_body or region.post is None)
        numbers = (match[1] for name in names if (match := _POST_NAME.fullmatch(name)) and match[1])
        self.posts.append(next(numbers, None))
        return Region(len(self.posts) - 1, main=is_body)


def _is_post(tag: str, names: list[str], attributes: dict[str, str]) -> bool:
    kind = _POST_KINDS.search(attributes.get("itemtype", ""))
    named = any(_POST_NAME.fullmatch(name) for name in names)
    return (tag == "article" or named or bool(kind)) and _COMMENT_NAMES.isdisjoint(names)
