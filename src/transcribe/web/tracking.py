"""Which part of a URL stays the same from day to day, and from one listener to the next."""

import re

# Parameters that sign a URL, name its reader, or count: those of web servers and stores, of trackers and advertisers.
_PASSING = {
    *("token", "access_token", "auth_token", "authtoken", "tok", "jwt", "auth", "authorization", "apikey", "api_key"),
    *("sig", "signature", "sign", "hmac", "md5", "mac", "policy", "key-pair-id", "awsaccesskeyid", "googleaccessid"),
    *("expires", "expiry", "expire", "exp", "nonce", "timestamp", "ts", "user", "username", "password", "pass", "pw"),
    *("session", "sessionid", "session_id", "sid", "phpsessid", "jsessionid", "listeningsessionid", "listenerid"),
    *("rand", "random", "cb", "cachebuster", "nocache", "_", "updated", "ref", "referrer", "referer", "gclid"),
    *("fbclid", "msclkid", "mkt_tok", "played_from", "dest-id"),
}
_PASSING_STARTS = ("utm_", "x-amz-", "x-goog-", "aw_0_", "hdne", "hdnt", "pk_", "mtm_", "mc_")
_USER = re.compile(r"//[^/?#]*@")


def without_tracking(url: str) -> str:
    """A URL without a user's name, its fragment and such parameters as a token of the day; the others are sorted.

    A parameter of any other name stays: it may be what tells one recording from the next (`download.php?id=2`).
    """
    address, _, query = _USER.sub("//", url).partition("#")[0].partition("?")
    lasting = sorted(part for part in query.split("&") if part and not _is_passing(part.partition("=")[0]))
    return f"{address}?{'&'.join(lasting)}" if lasting else address


def _is_passing(name: str) -> bool:
    name = name.lower()
    return name in _PASSING or name.startswith(_PASSING_STARTS)
