"""The fixtures see what a page must not do; without that, tests of the page would prove nothing."""

from __future__ import annotations

import pytest


@pytest.fixture
def served_script(serve, store, tmp_path):
    """Serve a viewer of one script, and give its address."""

    def serve_script(source: str) -> str:
        folder = tmp_path / "dist"
        folder.mkdir()
        head = '<!doctype html><title>map</title><link rel="icon" href="data:,">'
        (folder / "index.html").write_text(f'{head}<script src="./main.js"></script>')
        (folder / "main.js").write_text(f"{source}; document.title = 'done';")
        return serve(store, viewer_folder=str(folder)).url

    return serve_script


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("setTimeout(() => { throw new Error('lost') })", "lost"),
        ("console.error('broken')", "broken"),
        ("fetch('http://example.com/x').catch(() => {})", "example.com"),
        ("document.createElement('script').text = '1'", "TrustedScript"),
        (
            "document.head.append(Object.assign(document.createElement('style'), {textContent: 'b{}'}))",
            "Content Security Policy",
        ),
    ],
)
def test_what_a_page_must_not_do_is_seen(page, problems, served_script, script, told):
    with page.expect_event("console" if "throw" not in script else "pageerror"):
        page.goto(served_script(script))
    assert told in "".join(problems.unexpected())
    problems.expect(told)


def test_a_page_that_does_nothing_wrong_passes(page, problems, served_script):
    page.goto(served_script("fetch('/v1/points')"))
    page.wait_for_function("document.title === 'done'")
    assert not problems.unexpected()
