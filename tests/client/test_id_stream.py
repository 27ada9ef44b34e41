from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from kat_ray.client.dataset_weights import ids_of_prompts
from kat_ray.client.id_stream import IdStream, RowStream
from kat_ray.errors import SnapshotMismatchError
from tests.client.tiny_model import texts, weight_table

PROMPTS = texts(30)
IDS = ids_of_prompts(PROMPTS)


def test_the_stream_goes_from_epoch_to_epoch_without_an_end():
    table = weight_table(PROMPTS)
    first, second = (Counter(islice(stream, 30)) for stream in [RowStream(IDS, table)] for _ in range(2))
    for counts in (first, second):
        assert all(abs(counts[row] - 30 * table.weights[row]) < 1 for row in range(30))
    assert first != second


def test_ids_are_drawn_as_the_rows_they_belong_to():
    table = weight_table(PROMPTS)
    stream = IdStream(table, seed=3)
    drawn = np.array([IDS.index(next(stream)) for _ in range(60)])
    np.testing.assert_array_equal(drawn[:30], table.draw(30, seed=3, epoch=0).rows)
    np.testing.assert_array_equal(drawn[30:], table.draw(30, seed=3, epoch=1).rows)


def test_processes_share_one_stream():
    table = weight_table(PROMPTS)
    shares = [list(islice(RowStream(IDS, table, num_replicas=3, rank=rank), 10)) for rank in range(3)]
    whole = list(islice(RowStream(IDS, table), 30))
    assert [row for rows in zip(*shares, strict=True) for row in rows] == whole


@pytest.mark.parametrize("taken", [0, 1, 29, 30, 31, 75])
def test_a_loaded_stream_goes_on_with_the_exact_next_draw(taken):
    stream = IdStream(weight_table(PROMPTS))
    list(islice(stream, taken))
    state = stream.state_dict()
    expected = list(islice(stream, 50))
    again = IdStream(weight_table(PROMPTS))
    again.load_state_dict(state)
    assert list(islice(again, 50)) == expected


def test_a_state_of_another_snapshot_is_refused():
    state = RowStream(IDS, weight_table(PROMPTS)).state_dict()
    with pytest.raises(SnapshotMismatchError, match="Open the saved snapshot by its id"):
        RowStream(IDS, weight_table(PROMPTS, snapshot_id="f" * 16)).load_state_dict(state)
