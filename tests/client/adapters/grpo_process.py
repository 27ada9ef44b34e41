"""One of several processes of a GRPO run on the CPU: a script for the tests of distributed training.

    RANK=0 WORLD_SIZE=2 ... python -m tests.client.adapters.grpo_process FOLDER STEPS [CHECKPOINT]

Trains for STEPS steps, saves at the end, and writes to FOLDER the rows that reached the reward function and the counts
of the exposure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from trl import GRPOConfig, GRPOTrainer

from kat_ray.client.adapters.trl_grpo import DensityGRPO, exposure_reward
from kat_ray.client.exposure import Exposure
from tests.client.tiny_model import prompt_data, texts, tiny_model, tiny_tokenizer, trainer_options, weight_table

GROUP = 4
PROMPTS = texts(12)


class DensityTrainer(DensityGRPO, GRPOTrainer):
    pass


def main(folder: Path, steps: int, checkpoint: str | None) -> None:
    torch.set_num_threads(1)
    table, rows = weight_table(PROMPTS), []

    def length(completions: list[str], row: list[int], **_: Any) -> list[float]:
        rows.append(list(row))
        return [float(len(text)) for text in completions]

    exposure = Exposure(table, group_size=GROUP)
    options = {"num_generations": GROUP, "max_completion_length": 4, "per_device_train_batch_size": 2, "beta": 0.0}
    schedule = {"gradient_accumulation_steps": 2, "max_steps": steps, "save_strategy": "steps", "save_steps": steps}
    trainer = DensityTrainer(
        tiny_model(),
        density=table,
        reward_funcs=[length, exposure_reward(exposure)],
        args=GRPOConfig(**trainer_options(folder / "run", ddp_backend="gloo", **options, **schedule)),
        train_dataset=prompt_data(PROMPTS),
        processing_class=tiny_tokenizer(),
    )
    trainer.train(resume_from_checkpoint=checkpoint)
    told = {"rows": rows, "counts": exposure.counts.tolist()}
    (folder / f"{trainer.accelerator.process_index}-{steps}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
