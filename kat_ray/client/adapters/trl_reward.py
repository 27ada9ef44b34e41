"""A weighted Bradley-Terry loss for TRL's RewardTrainer: rare prompts count more.

    class Trainer(WeightedRewardMixin, RewardTrainer):
        pass

    trainer = Trainer(model, weights=client, args=..., train_dataset=...)

The loss of a batch is mean(w * -log sigmoid(r_chosen - r_rejected - margin)), w = loss weight of the pair's prompt,
with mean 1 over the pairs that are left after long ones were dropped. It is not scaled by the weights of the batch: so
the gradient of a whole pass is that of a data set in which each pair stands w times, in any batches of equal size.

Batches of unequal size (the last one) and gradient accumulation are as in TRL: each micro-batch counts as much as the
others, so pairs of a short one count more; dataloader_drop_last=True avoids that. Evaluation is unweighted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.functional import logsigmoid

from kat_ray.client.dataset_weights import WeightSource, dataset_ids
from kat_ray.client.density_mapping import LossWeights, pair_loss_weights
from kat_ray.geometry.weights import LossMode

_COLUMN = "loss_weight"


class WeightedRewardMixin:
    """Mixin, named before RewardTrainer.

    `weights` is a WeightsClient, a WeightTable, or a mapping from id to weight (`load_density_mapping`); None trains
    without weights, for the other arm. Pairs of unknown prompts weigh 1 and are counted in `loss_weights.num_unknown`.
    `weight_cap` is the largest weight, where 1 is the mean; `weight_mode` "mean" (and "sum", the same) scales to mean 1
    again after the cap, "none" does not.
    """

    args: Any
    data_collator: Any
    _signature_columns: Any
    _metrics: Any

    loss_weights: LossWeights | None = None
    """Weights of the pairs of the training set as it is trained on; None without weights."""

    def __init__(
        self,
        *args: Any,
        weights: WeightSource | Mapping[str, float] | None = None,
        weight_mode: LossMode = "mean",
        weight_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        self._weights, self._mode, self._cap = weights, weight_mode, weight_cap
        super().__init__(*args, **kwargs)
        self.data_collator = _WithWeights(self.data_collator)

    def _prepare_dataset(self, dataset: Any, processing_class: Any, args: Any, dataset_name: str) -> Any:
        """The trainer's own preparation, which drops long pairs; then a column of weights by id."""
        prepared = super()._prepare_dataset(dataset, processing_class, args, dataset_name)  # type: ignore[misc]
        if self._weights is None or self.loss_weights is not None or dataset_name != "train":
            return prepared
        self.loss_weights = pair_loss_weights(self._weights, dataset_ids(prepared), self._mode, self._cap)
        return prepared.add_column(_COLUMN, self.loss_weights.values)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()  # type: ignore[misc]
        if _COLUMN not in self._signature_columns:
            self._signature_columns = [*self._signature_columns, _COLUMN]

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The trainer's own forward pass and metrics, and the weighted loss of its rewards."""
        weights = inputs.pop(_COLUMN, None)
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)  # type: ignore[misc]
        if weights is not None:
            center = self.args.center_rewards_coefficient
            loss = weighted_loss(outputs.logits, weights, inputs.get("margin", 0.0), center or 0.0)
            self._metrics["train"][_COLUMN].append(weights.mean().item())
        return (loss, outputs) if return_outputs else loss


def weighted_loss(
    rewards: torch.Tensor, weights: torch.Tensor, margin: torch.Tensor | float = 0.0, center: float = 0.0
) -> torch.Tensor:
    """Weighted Bradley-Terry loss of rewards [2 B] (the chosen ones first), weights [B] and margins [B].

    `center` times the squared sum of a pair's rewards keeps them near 0 (Eisenstein et al. 2023, arXiv:2312.09244).
    """
    chosen, rejected = torch.chunk(rewards.reshape(-1), 2)
    losses = center * (chosen + rejected) ** 2 - logsigmoid(chosen - rejected - margin)
    return (weights.to(losses) * losses).mean()


class _WithWeights:
    """A collator that carries the weights of the pairs through another one."""

    def __init__(self, collate: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._collate = collate

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        weights = [example.get(_COLUMN) for example in examples]
        bare = [{name: value for name, value in example.items() if name != _COLUMN} for example in examples]
        batch = self._collate(bare)
        return batch if None in weights else {**batch, _COLUMN: torch.tensor(weights, dtype=torch.float32)}
