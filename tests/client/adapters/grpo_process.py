"""One of several processes of a GRPO run on the CPU: a script for the tests of distributed training.

    RANK=0 WORLD_SIZE=2 ... python -m tests.client.adapters.grpo_process FOLDER STEPS [CHECKPOINT]

Trains for STEPS steps, saves at the end, and writes to FOLDER the rows that reached the reward function and the counts
of the exposure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from kat_ray.client.adapters.trl_grpo import exposure_reward
from kat_ray.client.exposure import Exposure
from tests.client.grpo_run import GROUP, PROMPTS, Seen, make_trainer
from tests.client.tiny_model import weight_table


def main(folder: Path, steps: int, checkpoint: str | None) -> None:
    torch.set_num_threads(1)
    table, seen = weight_table(PROMPTS), Seen()
    exposure = Exposure(table, group_size=GROUP)
    schedule = {"max_steps": steps, "save_strategy": "steps", "save_steps": steps, "ddp_backend": "gloo"}
    rewards = [seen, exposure_reward(exposure)]
    trainer = make_trainer(folder / "run", table, rewards, per_device_train_batch_size=2, **schedule)
    trainer.train(resume_from_checkpoint=checkpoint)
    told = {"rows": seen.calls, "counts": exposure.counts.tolist()}
    (folder / f"{trainer.accelerator.process_index}-{steps}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
