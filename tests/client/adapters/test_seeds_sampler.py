"""The seeds' sampler on a real, small, random causal model; its prompts' geometry is asserted before their weights."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from kat_ray.client.adapters.seeds_sampler import DensityAwareSampler, load_density_mapping
from kat_ray.client.dataset_weights import ids_of_prompts
from kat_ray.errors import EncoderError, InputError
from kat_ray.geometry.weights import WeightConfig
from tests.client.tiny_model import tiny_model, tiny_tokenizer, weight_table

COMMON = [f"Tell me about cats, part {number}." for number in range(90)]
RARE = [
    "zq XW zq XW zq",
    "1 2 3 4 5 6 7 8 9",
    "¿Por qué?",
    "((((((((()))))))))",
    "AAAAAAAAAAAA",
    "日本の首都",
    "def f(x): return x",
    "... --- ...",
    "%%%%%%",
    "\t\ttabs\t\tonly",
]
PROMPTS = COMMON + RARE


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def sampler(model, tokenizer) -> DensityAwareSampler:
    return DensityAwareSampler(PROMPTS, model, tokenizer, torch.device("cpu"))


def brute_force(vectors: np.ndarray, k: int) -> np.ndarray:
    """Mean distance of each row to its k nearest others, self removed by index."""
    wide = vectors.astype(np.float64)
    distances = np.linalg.norm(wide[:, None] - wide[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.sort(distances, axis=1)[:, :k].mean(axis=1)


@pytest.mark.parametrize("pooling", ["mean", "logits"])
def test_isolated_prompts_get_the_larger_weights(model, tokenizer, pooling):
    sampler = DensityAwareSampler(PROMPTS, model, tokenizer, "cpu", pooling=pooling)
    means = brute_force(sampler.embeddings, 10)
    assert means[90:].min() > 2 * means[:90].max()  # the geometry is what the test is about
    weights = sampler.density_weights
    assert weights[90:].min() > 2 * weights[:90].max()
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weights, (means + 1e-6) / (means + 1e-6).sum(), rtol=1e-4)


def test_vectors_are_hidden_states_by_default_and_logits_by_name(sampler, model, tokenizer):
    assert sampler.embeddings.shape == (100, model.config.hidden_size)
    logits = DensityAwareSampler(PROMPTS, model, tokenizer, "cpu", pooling="logits")
    assert logits.embeddings.shape == (100, model.config.vocab_size)
    for vectors in (sampler.embeddings, logits.embeddings):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)


def test_a_vector_is_the_mean_over_the_prompts_own_tokens_whatever_its_batch(sampler, model, tokenizer):
    for row in (0, 45, 92, 95):
        ids = torch.tensor([tokenizer.encode(PROMPTS[row])])
        with torch.no_grad():
            mean = model(ids, output_hidden_states=True).hidden_states[-1][0].mean(0)
        np.testing.assert_allclose(sampler.embeddings[row], (mean / mean.norm()).numpy(), atol=1e-5)


def test_a_model_with_a_zero_head_has_good_hidden_states_and_no_logits(sampler, tokenizer):
    fresh = tiny_model()
    with torch.no_grad():
        fresh.lm_head.weight.zero_()
    weights = DensityAwareSampler(PROMPTS, fresh, tokenizer, "cpu").density_weights
    np.testing.assert_allclose(weights, sampler.density_weights)
    with pytest.raises(EncoderError, match="A fresh head gives zero logits; use pooling mean"):
        DensityAwareSampler(PROMPTS, fresh, tokenizer, "cpu", pooling="logits")


def test_a_model_that_returns_states_by_flag_gives_the_same(sampler, model, tokenizer):
    class FlagModel(torch.nn.Module):
        def forward(self, ids: torch.Tensor, return_hidden_states: bool = False) -> Any:
            output = model(ids, output_hidden_states=True)
            states = {"logits": output.logits, "hidden_states": output.hidden_states[-1]}
            return states if return_hidden_states else output.logits

    for pooling in ("mean", "logits"):
        ours = DensityAwareSampler(PROMPTS, FlagModel(), tokenizer, "cpu", pooling=pooling)
        theirs = DensityAwareSampler(PROMPTS, model, tokenizer, "cpu", pooling=pooling)
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=1e-5)


def test_the_model_is_left_as_it_was(tokenizer):
    model = tiny_model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    numbers = torch.get_rng_state()
    DensityAwareSampler(PROMPTS[:20], model, tokenizer, "cpu")
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(before[name].equal(value) for name, value in model.state_dict().items())


def test_rare_prompts_come_more_often_than_by_chance(sampler):
    drawn = [row for _ in range(3) for row in sampler]
    share = np.mean(np.array(drawn) >= 90)
    assert share > 0.2
    assert share == pytest.approx(sampler.density_weights[90:].sum(), abs=0.05)


def test_it_draws_as_many_rows_as_there_are_seeded_and_disjoint_across_processes(model, tokenizer):
    def draws(**options: Any) -> list[int]:
        return list(DensityAwareSampler(PROMPTS, model, tokenizer, "cpu", **options))

    whole = draws(seed=5)
    assert len(whole) == 100
    assert whole == draws(seed=5) != draws(seed=6)
    shares = [draws(seed=5, num_replicas=2, rank=rank) for rank in range(2)]
    assert [row for pair in zip(*shares, strict=True) for row in pair] == whole


def test_it_feeds_a_loader(sampler):
    batches = list(DataLoader(PROMPTS, batch_size=32, sampler=sampler))
    assert [len(batch) for batch in batches] == [32, 32, 32, 4]


def test_equal_prompts_count_once_and_weigh_the_same(sampler, model, tokenizer):
    repeated = [*PROMPTS, *[RARE[0]] * 15, f"  {RARE[0]} "]
    again = DensityAwareSampler(repeated, model, tokenizer, "cpu")
    np.testing.assert_array_equal(again.density_weights[100:], again.density_weights[90])
    ratio = again.density_weights[:100] / sampler.density_weights
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


def test_conversations_are_embedded_by_their_first_user_message(sampler, model, tokenizer):
    talks = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    again = DensityAwareSampler(talks, model, tokenizer, "cpu")
    np.testing.assert_array_equal(again.embeddings, sampler.embeddings)


def test_with_too_few_prompts_all_weigh_the_same_and_the_log_says_so(model, tokenizer, caplog):
    with caplog.at_level(logging.INFO, "kat_ray"):
        few = DensityAwareSampler(PROMPTS[:10], model, tokenizer, "cpu", k=10)
    np.testing.assert_allclose(few.density_weights, 0.1)
    assert "10 prompts have fewer than 10 neighbors each; all weights are equal." in caplog.text
    assert "drawn by equal weights" in caplog.text


def test_the_log_tells_where_weights_come_from_and_how_far_they_reach(model, tokenizer, caplog):
    with caplog.at_level(logging.INFO, "kat_ray"):
        sampler = DensityAwareSampler(PROMPTS, model, tokenizer, "cpu")
        DensityAwareSampler(PROMPTS, precomputed=weight_table(PROMPTS))
    online, precomputed = (record.getMessage() for record in caplog.records)
    assert "by the model's mean vectors: 100 rows, 0 unknown" in online
    assert f"{sampler.density_weights.max() * 100:.3f} of the mean" in online
    assert sampler.density_weights.std() > 0.002
    assert "by precomputed weights" in precomputed
    assert not any(prompt in caplog.text for prompt in PROMPTS)


def test_precomputed_weights_are_joined_by_id_and_need_no_model(tmp_path):
    table = weight_table(PROMPTS)
    np.save(tmp_path / "density_weights.npy", table.weights)
    (tmp_path / "ids.json").write_text(str(ids_of_prompts(PROMPTS)).replace("'", '"'))
    mapping = load_density_mapping(tmp_path / "ids.json", tmp_path / "density_weights.npy")
    backwards = DensityAwareSampler(PROMPTS[::-1], precomputed=mapping)
    np.testing.assert_allclose(backwards.density_weights, table.weights[::-1])
    assert backwards.embeddings is None


def test_power_and_k_are_those_of_a_build(model, tokenizer):
    sampler = DensityAwareSampler(PROMPTS, model, tokenizer, "cpu", k=3, weight_config=WeightConfig(power=2.0))
    expected = (brute_force(sampler.embeddings, 3) + 1e-6) ** 2
    np.testing.assert_allclose(sampler.density_weights, expected / expected.sum(), rtol=1e-3)


def test_no_prompts_are_an_error():
    with pytest.raises(InputError, match="no prompts to draw from"):
        DensityAwareSampler([])
