import pytest

from transcribe.web.tracking import without_tracking


@pytest.mark.parametrize(
    ("url", "lasting"),
    [
        ("https://example.org/a?id=1&token=abc", "https://example.org/a?id=1"),
        ("https://example.org/a?token=abc&&", "https://example.org/a"),
        ("https://example.org/a?X-Amz-Signature=s&b=2&UTM_Source=x&a=1#t=5", "https://example.org/a?a=1&b=2"),
        ("https://example.org/a?tokens=1&exponent=2", "https://example.org/a?exponent=2&tokens=1"),
        ("https://example.org/a?flag&file=b%26c.mp3", "https://example.org/a?file=b%26c.mp3&flag"),
        ("https://me:p@example.org/@b?a=c@d", "https://example.org/@b?a=c@d"),
        ("http://[?a#b", "http://[?a"),
        ("", ""),
    ],
)
def test_what_passes_is_taken_off_a_url_and_the_rest_put_in_order(url: str, lasting: str) -> None:
    assert without_tracking(url) == lasting
    assert without_tracking(lasting) == lasting
