from __future__ import annotations

from kat_ray.encoders.calibration import calibration_texts


def test_calibration_texts_are_the_same_every_time_and_of_many_kinds() -> None:
    texts = calibration_texts()
    assert texts == calibration_texts()
    assert len(set(texts)) > 300
    assert max(map(len, texts)) > 500
    assert sum(not text.isascii() for text in texts) > 30
