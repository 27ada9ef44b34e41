"""HTML posts become plain text."""

from __future__ import annotations

import time

import pytest

from kat_ray.pairs.markup import plain_text


def test_paragraphs_breaks_and_code_lines_are_kept() -> None:
    markup = (
        "<p>How do I <b>do</b>, <a href='x'>this</a>?</p>\n\n<pre><code>def f():\n    x = 1\n\n    return x &lt; 2\n"
        "</code></pre>\n<!-- language: py --><p>a<br/>b &amp; c  </p><ul><li>one</li><li>two</li></ul>"
    )
    code = "def f():\n    x = 1\n\n    return x < 2"
    assert plain_text(markup) == f"How do I do, this?\n\n{code}\n\na\nb & c\n\none\n\ntwo"


def test_scripts_and_styles_leave_nothing() -> None:
    assert plain_text("a<script>alert(1)</script>b<STYLE type='x'>p {}</STYLE>c") == "abc"


@pytest.mark.parametrize("text", ["", "plain", "1 < 2 and 3 > 2", "if a<1: b>c"])
def test_text_without_tags_stays(text: str) -> None:
    assert plain_text(text) == text


def test_an_escaped_surrogate_becomes_valid_unicode() -> None:
    assert plain_text("<p>&#xD800;&#55296;</p>").encode() == "\ufffd\ufffd".encode()


@pytest.mark.parametrize(
    "unit", ["<b>", "<a ", "<a b='", "<!--", "</", "<script>", "<![if ", " ", " \t", "\n ", "&#1", "a", "<", "<a>&"]
)
def test_time_is_linear_whatever_the_text_is(unit: str) -> None:
    started = time.process_time()
    for text in (unit * 100_000, unit * 100_000 + "x", "<a" + unit * 100_000, unit * 50_000 + "</div>" * 50_000):
        plain_text(text)
    assert time.process_time() - started < 5
