"""The five plots: their files, what stands in them, and sets so small or so bad that there is little to show."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from kat_ray.evaluation.excerpts import similarity_block
from kat_ray.evaluation.figures import files
from kat_ray.evaluation.figures.files import draw_distribution, draw_examples, draw_heatmap, draw_map, write_figures
from kat_ray.evaluation.figures.style import NEGATIVE, POSITIVE, QUERY
from kat_ray.evaluation.labels import Labels
from kat_ray.evaluation.maps import Maps
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import score
from tests.evaluation.evaluations import maps_of

FIVE = [
    "tsne_projection.png",
    "umap_projection.png",
    "similarity_heatmap.png",
    "similarity_distribution.png",
    "top_k_predictions.png",
]


UNNAMED = Labels()


def width_and_density(path):
    """Dots, and dots a meter, of a PNG."""
    data = path.read_bytes()
    density = data.index(b"pHYs") + 4
    return int.from_bytes(data[16:20]), int.from_bytes(data[density : density + 4])


def random_maps(found, seed=0):
    random = np.random.default_rng(seed)
    rows = len(found.queries) + len(found.documents)
    return maps_of(found, *random.uniform(-1, 1, size=(2, rows, 2)).astype(np.float32))


def written(folder, found, maps, labels=UNNAMED):
    scores = score(*found)
    return write_figures(folder, "an-encoder", labels, scores, found.relevance, maps, similarity_block(*found))


def test_five_files_of_300_dots_an_inch_as_wide_as_a_page(planted, tmp_path):
    assert written(tmp_path / "new" / "folder", planted, random_maps(planted)) == FIVE
    for name in FIVE:
        width, density = width_and_density(tmp_path / "new" / "folder" / name)
        assert width == 7.2 * 300
        assert density == pytest.approx(300 / 0.0254, abs=1)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(FIVE)


def test_the_same_evaluation_gives_the_same_bytes(planted, tmp_path):
    for folder in ("one", "two"):
        written(tmp_path / folder, planted, random_maps(planted))
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in FIVE)


def test_a_foot_tells_encoder_and_size_below_everything_else(planted, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(files, "save", lambda figure, path: saved.append(figure))
    written(tmp_path, planted, random_maps(planted))
    assert len(saved) == 5
    for figure in saved:
        figure.draw_without_rendering()
        foot = figure.texts[-1]
        assert foot.get_text() == "60 queries, 60 documents; encoder an-encoder"
        others = [text for text in figure.findobj(Text) if text is not foot and text.get_text()]
        box = foot.get_window_extent()
        assert box.y0 > 0
        assert not [text for text in others if text.get_window_extent().overlaps(box)]
        assert all(axes.get_window_extent().y0 > box.y1 for axes in figure.axes)


def test_maps_that_were_not_made_are_left_out(planted, tmp_path):
    maps = random_maps(planted)
    assert written(tmp_path, planted, Maps(None, None)) == FIVE[2:]
    assert written(tmp_path, planted, maps._replace(umap=None)) == [FIVE[0], *FIVE[2:]]


@pytest.mark.parametrize("num_queries", [1, 2, 4, 51])
def test_sets_of_any_size_have_plots(several, tmp_path, num_queries):
    few = several(5, num_queries=num_queries, num_documents=max(6, num_queries))
    assert written(tmp_path, few, random_maps(few)) == FIVE


def test_one_query_with_one_document_and_equal_vectors_have_plots(collapsed, tmp_path):
    alone = collapsed._replace(
        queries=collapsed.queries[:1], documents=collapsed.documents[:1], relevance=Relevance.diagonal(1)
    )
    for number, found in enumerate((alone, collapsed)):
        maps = maps_of(found, *np.zeros((2, 2 * len(found.queries), 2), np.float32))
        assert written(tmp_path / str(number), found, maps) == FIVE


def test_hostile_texts_do_no_harm(several, tmp_path):
    texts = [
        "<script>$x$</script>",
        "\U0001f600 \u05e9\u05dc\u05d5\u05dd \u5bbf",
        "w" * 10_000,
        r"$\frac{",
        "\x00\n\ud800",
    ]
    found = several(6, num_queries=5, num_documents=10)
    written(tmp_path, found, Maps(None, None), Labels(texts, texts * 2))
    assert width_and_density(tmp_path / "top_k_predictions.png")[0] == 7.2 * 300


def marks(axes):
    """Color and number of points of each group, by name."""
    return {
        one.get_label().partition(" (")[0]: (to_hex(one.get_facecolor()[0]).upper(), len(one.get_offsets()))
        for one in axes.collections
        if not one.get_label().startswith("_")
    }


def test_a_map_shows_queries_blue_and_positives_green_by_other_shapes(several):
    found = several(4)
    figure = draw_map("t-SNE", random_maps(found).tsne, found.relevance)
    groups = marks(figure.axes[0])
    relevant = len(np.unique(found.relevance.rows))
    assert groups["query"] == (QUERY, 40)
    assert groups["positive"] == (POSITIVE, relevant)
    assert groups["other document"][1] == 60 - relevant
    shapes = [len(one.get_paths()[0].vertices) for one in figure.axes[0].collections if one.get_label()[0] != "_"]
    assert len(set(shapes)) == 3
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()][-1] == "query (40)"


def test_the_heat_map_is_red_yellow_green_from_0_to_1_around_a_half(several):
    found = several(2, num_queries=70, num_documents=80)
    figure = draw_heatmap(similarity_block(found.queries, found.documents, found.relevance))
    image = figure.axes[0].images[0]
    assert image.get_array().shape == (50, 50)
    assert image.cmap.name == "RdYlGn"
    assert (image.norm.vmin, image.norm.vcenter, image.norm.vmax) == (0.0, 0.5, 1.0)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][:2] == ["Q1", "Q6"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()][:2] == ["P1", "P6"]


def test_the_strip_of_the_heat_map_tells_by_place_who_is_nearer(planted, chance):
    for found, is_good in ((planted, True), (chance, False)):
        strip = draw_heatmap(similarity_block(found.queries, found.documents, found.relevance)).axes[1]
        own, others = (line.get_xdata() for line in strip.lines[:2])
        assert len(own) == 50
        assert (own > others).all() == is_good


def test_documents_that_queries_share_are_ringed(planted):
    shared = Relevance.of([[row // 2 * 2] for row in range(60)], num_documents=60)
    figure = draw_heatmap(similarity_block(planted.queries, planted.documents, shared))
    rings = next(line for line in figure.axes[0].lines if line.get_gid() == "also relevant")
    places = {(int(row), int(column)) for row, column in zip(rings.get_ydata(), rings.get_xdata(), strict=True)}
    assert places == {(row, row ^ 1) for row in range(50)}


def test_the_distribution_tells_means_and_both_separations(planted, cosines):
    figure = draw_distribution(score(*planted))
    similarities = cosines(planted.queries, planted.documents)
    own, others = np.diag(similarities), similarities[~np.eye(60, dtype=bool)]
    margin = own.mean() - others.mean()
    words = " ".join(text.get_text() for text in figure.texts)
    assert f"Positive {own.mean():.4f} ± {own.std():.4f}; negative {others.mean():.4f} ± {others.std():.4f}" in words
    assert f"margin {margin:.4f}; separation {margin / (own.std() + others.std()):.2f}" in words
    assert f"by root sum of squares {margin / np.hypot(own.std(), others.std()):.2f}" in words
    assert [len(bars) for bars in figure.axes[0].containers] == [50, 50]
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["positive", "negative"]


@pytest.mark.parametrize("num_documents", [4, 60])
def test_examples_have_ten_bars_or_as_many_as_there_are_documents(several, num_documents):
    found = several(7, num_documents=num_documents)
    scores = score(*found)
    figure = draw_examples(Labels(), scores, found.relevance)
    assert len(figure.axes) == 5
    for axes in figure.axes:
        assert len(axes.patches) == min(10, num_documents)
        assert axes.get_xlim() == (0.0, 1.0)


def test_right_documents_are_green_and_wrong_ones_red_with_marks(planted):
    figure = draw_examples(Labels(), score(*planted), planted.relevance)
    for axes in figure.axes:
        colors = [to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
        assert colors == [POSITIVE] + [NEGATIVE] * 9
        words = [text.get_text() for text in axes.texts]
        assert (words.count("✓"), words.count("✗")) == (1, 9)


def test_no_text_is_smaller_than_eight_points(several):
    found = several(3, num_queries=12)
    scores, maps = score(*found), random_maps(found)
    figures = [
        draw_map("UMAP", maps.umap, found.relevance),
        draw_heatmap(similarity_block(found.queries, found.documents, found.relevance)),
        draw_distribution(scores),
        draw_examples(Labels(), scores, found.relevance),
    ]
    for figure in figures:
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
        assert len(sizes) > 5
        assert min(sizes) >= 8.0
