"""Vectors of every plain file are read, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.lib import format as npy_format

from kat_ray.errors import InputError
from kat_ray.evaluation.vectors import read_vector_pairs, read_vectors

VECTORS = np.arange(1.0, 13.0, dtype=np.float32).reshape(4, 3)
OTHERS = VECTORS[::-1].copy()


@pytest.mark.parametrize(
    "array", [VECTORS, VECTORS.astype(np.float64), VECTORS.astype(np.int8), np.asfortranarray(VECTORS)]
)
def test_arrays_of_any_numbers_are_read_as_float32_in_row_order(array, tmp_path):
    np.save(tmp_path / "x.npy", array)
    read = read_vectors(str(tmp_path / "x.npy"))
    np.testing.assert_array_equal(read, VECTORS)
    assert read.dtype == np.float32
    assert read.flags.c_contiguous


@pytest.mark.parametrize(
    "content",
    [
        torch.tensor(VECTORS),
        torch.tensor(VECTORS, dtype=torch.bfloat16),
        torch.tensor(VECTORS, requires_grad=True),
        {"ids": ["a", "b", "c", "d"], "emb": torch.tensor(VECTORS)},
    ],
)
def test_tensors_alone_or_under_a_name_are_read(content, tmp_path):
    torch.save(content, tmp_path / "x.pt")
    np.testing.assert_array_equal(read_vectors(str(tmp_path / "x.pt")), VECTORS)


@pytest.mark.parametrize("names", [("query", "positive"), ("queries", "documents"), ("anchor", "pos")])
def test_queries_and_documents_come_from_one_mapping(names, tmp_path):
    content = {names[0]: torch.tensor(VECTORS), names[1]: torch.tensor(OTHERS), "epoch": 3}
    torch.save(content, tmp_path / "x.pt")
    queries, documents = read_vector_pairs(str(tmp_path / "x.pt"))
    np.testing.assert_array_equal(queries, VECTORS)
    np.testing.assert_array_equal(documents, OTHERS)


def test_queries_and_documents_come_from_one_array_or_from_two_files(tmp_path):
    for name, array in {"both": np.stack([VECTORS, OTHERS]), "one": VECTORS, "other": OTHERS[:2]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    for read, expected in (
        (read_vector_pairs(str(tmp_path / "both.npy")), OTHERS),
        (read_vector_pairs(str(tmp_path / "one.npy"), str(tmp_path / "other.npy")), OTHERS[:2]),
    ):
        np.testing.assert_array_equal(read[0], VECTORS)
        np.testing.assert_array_equal(read[1], expected)


def refusal(path, content):
    np.save(path, content) if path.suffix == ".npy" else torch.save(content, path)
    with pytest.raises(InputError) as refused:
        read_vectors(str(path))
    return str(refused.value)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.array([[1.0, np.nan]]), "holds NaN or infinity, first in row 0"),
        (np.array([[1.0, 1e300]]), "holds NaN or infinity"),
        (np.array([[1.0], [0.0]]), "holds zero rows, which have no direction; the first is row 1"),
        (np.ones(3), "has 1 axes (shape (3,)), expected 2"),
        (np.ones((0, 3)), "is empty (shape (0, 3))"),
        (np.array([["a"]]), "holds <U1, expected numbers"),
        (np.array([[1j]]), "holds complex128, expected numbers"),
    ],
)
def test_arrays_that_are_no_vectors_are_refused(array, sentence, tmp_path):
    assert sentence in refusal(tmp_path / "x.npy", array)


def test_what_would_run_code_is_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(InputError, match=r"is not a readable \.npy file of numbers"):
        read_vectors(str(tmp_path / "x.npy"))
    torch.save({"emb": pytest.raises}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="so nothing was loaded"):
        read_vectors(str(tmp_path / "x.pt"))


@pytest.mark.parametrize("name", ["x.npy", "x.pt"])
@pytest.mark.parametrize("keep", [0, 20, 100, 150])
def test_files_that_were_cut_are_refused(name, keep, tmp_path):
    whole = tmp_path / name
    np.save(whole, VECTORS) if name == "x.npy" else torch.save(torch.tensor(VECTORS), whole)
    whole.write_bytes(whole.read_bytes()[:keep])
    with pytest.raises(InputError, match="is not a"):
        read_vectors(str(whole))


def test_a_header_that_promises_more_than_the_file_has_is_refused(tmp_path):
    with (tmp_path / "x.npy").open("wb") as stream:
        npy_format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (10**14, 3)})
        stream.write(VECTORS.tobytes())
    with pytest.raises(InputError, match=r"is not a readable \.npy file"):
        read_vectors(str(tmp_path / "x.npy"))


def test_the_way_out_is_named(tmp_path):
    assert "under one of emb, embeddings, vectors" in refusal(tmp_path / "x.pt", {"weight": torch.ones(2, 2)})
    (tmp_path / "x.csv").write_text("1")
    for path, sentence in ((tmp_path / "x.csv", "ends in .npy or .pt"), (tmp_path / "y.pt", "does not exist")):
        with pytest.raises(InputError, match=sentence):
            read_vectors(str(path))


def test_queries_without_documents_or_of_another_encoder_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", VECTORS)
    np.save(tmp_path / "y.npy", VECTORS[:, :2])
    with pytest.raises(InputError, match=r"one array of shape \(4, 3\), expected queries and documents"):
        read_vector_pairs(str(tmp_path / "x.npy"))
    with pytest.raises(InputError, match="queries have 3 dimensions, the documents 2"):
        read_vector_pairs(str(tmp_path / "x.npy"), str(tmp_path / "y.npy"))
    torch.save({"query": torch.tensor(VECTORS)}, tmp_path / "z.pt")
    with pytest.raises(InputError, match="holds query; expected a tensor under one of positive"):
        read_vector_pairs(str(tmp_path / "z.pt"))
