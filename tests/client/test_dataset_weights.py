from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from kat_ray.client.dataset_weights import dataset_ids, dataset_weights, ids_of_prompts, joined
from kat_ray.errors import InputError
from kat_ray.records import prompt_id
from kat_ray.snapshot.weight_table import WeightTable
from tests.client.tiny_model import pair_data, prompt_data, texts, weight_table

PROMPTS = texts(12)


@pytest.fixture(scope="module")
def table() -> WeightTable:
    return weight_table(PROMPTS)


def test_rows_have_the_weights_of_their_prompts_in_any_order_and_after_any_filter(table):
    whole = dataset_weights(table, ids_of_prompts(PROMPTS)).probabilities
    np.testing.assert_allclose(whole, table.weights)
    some = [9, 2, 5, 0]
    part = dataset_weights(table, ids_of_prompts([PROMPTS[row] for row in some])).probabilities
    np.testing.assert_allclose(part, table.weights[some] / table.weights[some].sum())


def test_rows_of_one_prompt_each_have_its_weight_or_share_it(table):
    ids = ids_of_prompts([PROMPTS[0], PROMPTS[1], PROMPTS[0], PROMPTS[0]])
    each, shared = dataset_weights(table, ids), dataset_weights(table, ids, per_prompt=True)
    ratio = table.weights[0] / table.weights[1]
    np.testing.assert_allclose(each.probabilities / each.probabilities[1], [ratio, 1, ratio, ratio])
    np.testing.assert_allclose(shared.probabilities / shared.probabilities[1], [ratio / 3, 1, ratio / 3, ratio / 3])
    assert (each.num_shared, shared.num_shared) == (3, 3)
    assert each.rows_hash != shared.rows_hash


@pytest.mark.parametrize("per_prompt", [False, True])
def test_an_unknown_prompt_is_neutral_and_counted(table, per_prompt):
    weights = dataset_weights(table, ids_of_prompts([*PROMPTS, "Never seen before."]), per_prompt)
    assert weights.num_unknown == 1
    assert weights.probabilities[-1] == pytest.approx(1 / 13)
    np.testing.assert_allclose(weights.probabilities[:-1], table.weights * 12 / 13)


def test_a_data_set_that_the_snapshot_does_not_know_is_refused(table):
    with pytest.raises(InputError, match="None of the 2 rows has a prompt of snapshot 0123456789abcdef"):
        dataset_weights(table, ids_of_prompts(["a", "b"]))


def test_ids_need_weights_and_joined_weights_stay(table):
    weights = dataset_weights(table, ids_of_prompts(PROMPTS))
    assert joined(weights, None) is weights
    with pytest.raises(InputError, match="give a WeightsClient or a WeightTable"):
        joined(ids_of_prompts(PROMPTS), None)


def test_ids_are_those_of_the_first_user_message_in_whatever_form_the_prompt_stands():
    text = "What is AI?"
    message = {"role": "user", "content": f"  {text} "}
    system, more = {"role": "system", "content": "Be kind."}, {"role": "assistant", "content": "A field."}
    parts = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
    forms = [text, [message], [system, message, more], {"messages": [message]}, parts]
    assert ids_of_prompts(forms) == [prompt_id(text)] * len(forms)


def test_a_prompt_without_user_text_has_no_id_and_another_form_is_refused():
    assert ids_of_prompts(["", [], [{"role": "assistant", "content": "Hi"}]]) == ["", "", ""]
    with pytest.raises(InputError, match="A prompt is int"):
        ids_of_prompts([3])


def test_columns_are_found_and_ids_in_them_preferred():
    ids = [prompt_id(text) for text in PROMPTS]
    lists = [[{"role": "user", "content": text}] for text in PROMPTS]
    assert dataset_ids(prompt_data(PROMPTS)) == ids
    assert dataset_ids(pair_data(PROMPTS)) == ids
    assert dataset_ids([{"prompt": text} for text in PROMPTS]) == ids
    assert dataset_ids(Dataset.from_dict({"prefix": [{"messages": messages} for messages in lists]})) == ids
    assert dataset_ids(Dataset.from_dict({"chosen": lists, "rejected": lists})) == ids
    altered = {"prompt": [f"### Question: {text}" for text in PROMPTS]}
    assert dataset_ids(Dataset.from_dict({**altered, "prompt_id": ids})) == ids
    assert dataset_ids(Dataset.from_dict({**altered, "key": ids}), column="key") == ids


def test_ids_of_another_kind_are_not_taken_for_ours():
    foreign = ["3f" * 32 for _ in PROMPTS]
    rows = Dataset.from_dict({"prompt": PROMPTS, "prompt_id": foreign})
    assert dataset_ids(rows) == ids_of_prompts(PROMPTS)


def test_a_data_set_without_prompts_or_rows_says_what_is_missing():
    with pytest.raises(InputError, match="it has question; expected prompt_id"):
        dataset_ids(Dataset.from_dict({"question": ["a"]}))
    with pytest.raises(InputError, match="no column 'q'; it has prompt"):
        dataset_ids(Dataset.from_dict({"prompt": ["a"]}), column="q")
    with pytest.raises(InputError, match="load it whole"):
        dataset_ids(prompt_data(PROMPTS).to_iterable_dataset())
