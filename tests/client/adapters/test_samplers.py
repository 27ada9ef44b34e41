from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from trl.trainer.utils import RepeatSampler

from kat_ray.client.adapters.samplers import DensitySampler, GroupDensitySampler
from kat_ray.client.dataset_weights import dataset_weights, ids_of_prompts
from kat_ray.errors import InputError, SnapshotMismatchError
from tests.client.adapters.gloo_process import PROMPTS, Client
from tests.client.tiny_model import weight_table

IDS = ids_of_prompts(PROMPTS)


def test_a_loader_gets_rare_prompts_as_often_as_their_weight_says():
    table = weight_table(PROMPTS)
    sampler = DensitySampler(IDS, table, num_samples=240)
    batches = list(DataLoader(torch.arange(24), batch_size=32, sampler=sampler))
    counts = torch.bincount(torch.cat(batches), minlength=24).numpy()
    assert (np.abs(counts - 240 * table.weights) < 1).all()
    assert counts[0] > 6 * counts[-1]


def test_every_pass_is_the_next_epoch_and_set_epoch_goes_back():
    sampler = DensitySampler(IDS, weight_table(PROMPTS))
    passes = [list(sampler) for _ in range(3)]
    assert sampler.epoch == 3
    assert passes[0] != passes[1] != passes[2]
    sampler.set_epoch(1)
    assert list(sampler) == passes[1]


def test_after_a_broken_off_pass_comes_the_next_epoch():
    whole = [row for sampler in [DensitySampler(IDS, weight_table(PROMPTS))] for _ in range(3) for row in sampler]
    sampler = DensitySampler(IDS, weight_table(PROMPTS))
    begun = [list(islice(sampler, steps)) for steps in (5, 24, 24)]
    assert begun == [whole[:5], whole[24:48], whole[48:]]
    assert sampler.state_dict()["epoch"] == 2


def test_a_broken_off_pass_begins_again_when_its_epoch_is_named():
    sampler = DensitySampler(IDS, weight_table(PROMPTS))
    first = list(islice(sampler, 5))
    sampler.set_epoch(0)
    again = list(sampler)
    assert again[:5] == first
    assert sampler.epoch == 1


def test_a_loaded_state_goes_on_within_its_pass_after_one_was_broken_off():
    sampler = DensitySampler(IDS, weight_table(PROMPTS))
    rows = iter(sampler)
    taken = [next(rows) for _ in range(5)]
    sampler.load_state_dict(sampler.state_dict())
    assert taken + list(sampler) == list(DensitySampler(IDS, weight_table(PROMPTS)))


def test_processes_get_disjoint_shares_of_the_one_stream():
    whole = list(DensitySampler(IDS, weight_table(PROMPTS), num_samples=48))
    shares = [
        DensitySampler(IDS, weight_table(PROMPTS), num_samples=48, num_replicas=4, rank=rank) for rank in range(4)
    ]
    assert [len(share) for share in shares] == [12] * 4
    assert [row for rows in zip(*shares, strict=True) for row in rows] == whole


@pytest.mark.parametrize("read", [0, 1, 13, 24, 31])
def test_a_loaded_sampler_goes_on_with_the_exact_next_row(read):
    sampler = DensitySampler(IDS, weight_table(PROMPTS), seed=9)
    rows = iter([row for _ in range(2) for row in sampler])
    first = [next(rows) for _ in range(read)]
    running = DensitySampler(IDS, weight_table(PROMPTS), seed=9)
    taken = iter(running)
    for expected in first:
        if (row := next(taken, None)) is None:
            taken = iter(running)
            row = next(taken)
        assert row == expected
    resumed = DensitySampler(IDS, weight_table(PROMPTS), seed=9)
    resumed.load_state_dict(json.loads(json.dumps(running.state_dict())))
    resumed.set_epoch(resumed.epoch)
    assert list(resumed) == list(rows)[: 24 - read % 24]


def test_a_loader_that_reads_ahead_saves_the_rows_that_were_used():
    sampler = DensitySampler(IDS, weight_table(PROMPTS))
    batches = [batch.tolist() for batch in DataLoader(torch.arange(24), batch_size=4, sampler=sampler)]
    sampler.set_epoch(0)
    loader = iter(DataLoader(torch.arange(24), batch_size=4, sampler=sampler, num_workers=1, prefetch_factor=4))
    used = [next(loader).tolist() for _ in range(2)]
    state = sampler.state_dict(position=8)
    assert used == batches[:2]
    resumed = DensitySampler(IDS, weight_table(PROMPTS))
    resumed.load_state_dict(state)
    assert list(resumed) == [row for batch in batches[2:] for row in batch]


def test_a_state_of_another_snapshot_is_refused():
    state = DensitySampler(IDS, weight_table(PROMPTS)).state_dict()
    with pytest.raises(SnapshotMismatchError):
        DensitySampler(IDS, weight_table(PROMPTS, snapshot_id="f" * 16)).load_state_dict(state)


@pytest.mark.parametrize(("batch_size", "repeats"), [(1, 1), (3, 2), (8, 1), (7, 4)])
def test_the_group_sampler_keeps_the_contract_of_repeat_sampler(batch_size, repeats):
    options = {"mini_repeat_count": 4, "batch_size": batch_size, "repeat_count": repeats}
    ours, theirs = GroupDensitySampler(IDS, weight_table(PROMPTS), **options), RepeatSampler(PROMPTS, **options)
    rows = np.array(list(ours))
    assert len(ours) == len(rows) == len(theirs) == len(list(theirs))
    blocks = rows.reshape(-1, repeats, batch_size, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_groups_stay_in_one_process():
    options = {"mini_repeat_count": 4, "batch_size": 2, "num_replicas": 2}
    draws = [list(GroupDensitySampler(IDS, weight_table(PROMPTS), rank=rank, **options)) for rank in range(2)]
    whole = list(DensitySampler(IDS, weight_table(PROMPTS)))
    for rank, rows in enumerate(draws):
        assert rows == np.repeat(whole[rank::2], 4).tolist()


def test_weights_that_are_joined_already_need_no_source():
    table = weight_table(PROMPTS)
    given = DensitySampler(dataset_weights(table, IDS))
    assert list(given) == list(DensitySampler(IDS, table))
    assert given.weights.num_unknown == 0


def test_a_newer_snapshot_is_taken_between_epochs_and_not_within():
    old, new = weight_table(PROMPTS), weight_table(PROMPTS, np.ones(24), "f" * 16)
    client = Client(old)
    sampler = DensitySampler(IDS, client, refresh=True)
    rows = iter(sampler)
    first = [next(rows) for _ in range(5)]
    client.newer = new
    assert first + list(rows) == list(DensitySampler(IDS, old))
    length = len(sampler)
    assert sorted(sampler) == list(range(24))
    assert sampler.weights.snapshot_id == "f" * 16
    assert len(sampler) == length


def test_a_resumed_pass_stays_with_its_snapshot():
    old, new = weight_table(PROMPTS), weight_table(PROMPTS, np.ones(24), "f" * 16)
    whole = list(DensitySampler(IDS, old))
    sampler = DensitySampler(IDS, Client(old, new), refresh=True)
    sampler.load_state_dict(DensitySampler(IDS, old).state_dict(position=10))
    assert list(sampler) == whole[10:]
    assert sorted(sampler) == list(range(24))


def test_refresh_needs_a_client():
    with pytest.raises(InputError, match="refresh=True needs the ids of the rows and a WeightsClient"):
        DensitySampler(IDS, weight_table(PROMPTS), refresh=True)
