"""Dates as people and programs write them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.sources.dates import read_date


@pytest.mark.parametrize(
    ("written", "language", "date"),
    [
        ("Sun, 22 Nov 2026 18:00:00 +0200", None, "2026-11-22T16:00:00Z"),
        ("2016/6/29 15:07:41", None, "2016-06-29T15:07:41Z"),
        ("1329561000", None, "2012-02-18T10:30:00Z"),
        ("1329561000000", None, "2012-02-18T10:30:00Z"),
        ("Sa, 31 Okt 2020 10:00:00 +0100", None, "2020-10-31T09:00:00Z"),
        ("31. Oktober 2020, 10:00 Uhr", None, "2020-10-31T10:00:00Z"),
        ("18.02.2012", None, "2012-02-18"),
        ("18.02.2012 21:30", None, "2012-02-18T21:30:00Z"),
        ("Feb 18, 2012 9:30 PM", None, "2012-02-18T21:30:00Z"),
        ("lauantai 18.2.2012 klo 9.30", "fi", "2012-02-18T09:30:00Z"),
        ("lördag 18 februari 2012 kl. 21.30", "sv", "2012-02-18T21:30:00Z"),
        ("zaterdag 18 februari 2012 om 21.30 uur", "nl", "2012-02-18T21:30:00Z"),
        ("Sat Feb 18 21:30:00 +0000 2012", None, "2012-02-18T21:30:00Z"),
        ("Sat Feb 18 21:30:00 EST 2012", None, "2012-02-19T02:30:00Z"),
        ("31 Okt", "de", None),
        ("平成24年2月18日", "ja", None),
        ("Sábado, 18 de Fevereiro de 2012, às 21:30", "pt", "2012-02-18T21:30:00Z"),
        ("sob., 18 lut 2012 10:30:00 +0100", "pl", "2012-02-18T09:30:00Z"),
        ("18. helmikuuta 2012", None, "2012-02-18"),
        ("la 18 helmi 2012 10:30:00 +0200", None, "2012-02-18T08:30:00Z"),
        ("mar., 18 févr. 2012 10:30:00 +0000", None, "2012-02-18T10:30:00Z"),
        ("mardi 18 mars 2012 à 9h30", None, "2012-03-18T09:30:00Z"),
        ("le 18 février 2012", None, "2012-02-18"),
        ("18 août 2012", None, "2012-08-18"),
        ("18 juil. 2012", None, "2012-07-18"),
        ("18 juin 2012", None, "2012-06-18"),
        ("sáb, 18 feb 2012 10:30:00 GMT", None, "2012-02-18T10:30:00Z"),
        ("18 de febrero de 2012", None, "2012-02-18"),
        ("18 Şub 2012 Paz", None, "2012-02-18"),
        ("сб, 18 фев 2012 10:30:00 +0400", None, "2012-02-18T06:30:00Z"),
        ("18 мая 2012", None, "2012-05-18"),
        ("18 paź 2012", None, "2012-10-18"),
        ("18. října 2012", None, "2012-10-18"),
        ("Fri, 2 May 2014 10:10 GMT", None, "2014-05-02T10:10:00Z"),
        ("Sun 01 Mar 2015 01:00:00 GMT-0400 (EDT)", None, "2015-03-01T05:00:00Z"),
        ("Wed, 27 May 2020 34:50:00 -0400", None, "2020-05-27"),
        ("Wed, 3 Jun 2020 15:20:44 PST", None, "2020-06-03T23:20:44Z"),
        ("Thu, 8 Sept 2014 09:00:00 GMT", None, "2014-09-08T09:00:00Z"),
        ("Sun, 22 Nov 99999 18:00:00 GMT", None, None),
        ("yesterday", None, None),
        ("0000-00-00", None, None),
        ("", None, None),
        ("1e99", None, None),
        ("2012", None, None),
        ("February 2012", None, None),
        ("2012-02", None, None),
        ("02/18/2012", None, "2012-02-18"),
        ("18/02/2012", None, "2012-02-18"),
        ("03/04/2012", None, None),
        ("03/04/2012", "en-US", "2012-03-04"),
        ("03/04/2012", "en-GB", "2012-04-03"),
        ("03/04/2012", "fr", "2012-04-03"),
        ("2012-02-18T21:30:00+11:00", None, "2012-02-18T10:30:00Z"),
        ("2012-02-18 10:30:00", None, "2012-02-18T10:30:00Z"),
        ("2012-02-18", None, "2012-02-18"),
        ("20120218", None, "2012-02-18"),
        ("20120218T103000Z", None, "2012-02-18T10:30:00Z"),
        ("2012年2月18日", None, "2012-02-18"),
        ("18 Feb 12", None, "2012-02-18"),
        ("Sat, 18 Feb 12 10:30:00 EST", None, "2012-02-18T15:30:00Z"),
        ("Sat Feb 18 10:30:00 2012", None, "2012-02-18T10:30:00Z"),
        ("Sat Feb 18 10:30:00 UTC 2012", None, "2012-02-18T10:30:00Z"),
        ("February 18th, 2012 at 9:30 am", None, "2012-02-18T09:30:00Z"),
        ("Posted on February 18, 2012 by Jose Ramos", None, "2012-02-18"),
        ("2012-02-18T10:30:00.123Z", None, "2012-02-18T10:30:00Z"),
        ("2012-02-18T10:30Z", None, "2012-02-18T10:30:00Z"),
        ("Sat, 18 Feb 2012 10:30:00 Z", None, "2012-02-18T10:30:00Z"),
        ("Sat, 18 Feb 2012 10:030:00 GMT", None, "2012-02-18"),
        ("30 Feb 2012", None, None),
        ("12. marraskuuta 2012 klo 9.30", None, "2012-11-12T09:30:00Z"),
        ("Mar 18, 2012", None, "2012-03-18"),
        ("May 2014", None, None),
        ("18-Feb-2012", None, "2012-02-18"),
        ("2012-Feb-18", None, "2012-02-18"),
        ("Sábado, 18 de Fevereiro de 2012 10:30", None, "2012-02-18T10:30:00Z"),
        ("za 18 mrt 2012", None, "2012-03-18"),
        ("dom, 18 mar 2012 09:00:00 +0100", None, "2012-03-18T08:00:00Z"),
        ("mar, 18 dic 2012 09:00:00 +0100", None, "2012-12-18T08:00:00Z"),
        ("18 décembre 2012", None, "2012-12-18"),
        ("18 listopada 2012", None, "2012-11-18"),
        ("18. prosince 2012", None, "2012-12-18"),
        ("18. července 2012", None, "2012-07-18"),
        ("18. června 2012", None, "2012-06-18"),
        ("1969-07-20", None, "1969-07-20"),
        ("18.2.2012 klo 10:30", None, "2012-02-18T10:30:00Z"),
        ("18.02.12", None, "2012-02-18"),
        ("PT3M", None, None),
        ("soon", None, None),
        ("Sat, 18 February 2012, 9 pm", None, "2012-02-18T21:00:00Z"),
        ("0001-01-01T00:00:00+14:00", None, None),
    ],
)
def test_a_date_is_what_is_written_or_none(written: str, language: str | None, date: str | None) -> None:
    assert read_date(written, language) == date


@given(st.text(alphabet="0123456789 :/.-+TZ,janmardezюф年月日apm", max_size=40))
def test_any_text_is_borne(text: str) -> None:
    read_date(text)


@given(st.datetimes(), st.sampled_from(["%a, %d %b %Y %H:%M:%S +0000", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M:%S"]))
def test_the_usual_forms_are_read_to_the_second(moment: datetime, form: str) -> None:
    if 1900 <= moment.year <= 2200:
        assert read_date(moment.strftime(form)) == moment.replace(microsecond=0).isoformat() + "Z"
