"""What is shown where there is nothing to show: each page says what is missing and what to do."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_viewer_that_is_not_built_is_told_with_the_command(page, problems, serve, store, tmp_path):
    problems.expect("404")
    answer = page.goto(serve(store, viewer_folder=str(tmp_path / "nothing")).url)
    assert answer.status == 404
    expect(page.get_by_role("heading")).to_have_text("3D visualization not found")
    expect(page.locator("code")).to_have_text("make viewer")
