"""What is sent to Redis and read from it, without one."""

from __future__ import annotations

import struct

from benchmark.servers.redis_server import _answer_bytes, question, weights_in

WEIGHTS = [0.25, 1e-9, 0.75]


def test_a_question_is_one_command_with_the_length_of_every_word():
    assert question(["ab", "cde"]) == b"*3\r\n$4\r\nMGET\r\n$2\r\nab\r\n$3\r\ncde\r\n"


def test_weights_are_read_from_an_answer_whose_length_is_known():
    values = b"".join(b"$8\r\n" + struct.pack("<d", weight) + b"\r\n" for weight in WEIGHTS)
    answer = b"*3\r\n" + values
    assert len(answer) == _answer_bytes(len(WEIGHTS))
    assert weights_in(answer, len(WEIGHTS)) == WEIGHTS
