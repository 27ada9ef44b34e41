"""Vectors that are ready in files, so that no encoder is needed: `.npy` and `.pt`.

Knows file formats; nothing of texts or of what is measured. Files come from anywhere: arrays of objects and pickles are
refused, `.pt` files are read with `weights_only=True`.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, require_rows
from kat_ray.errors import InputError, first_line
from kat_ray.storage import Location

_QUERIES = ("query", "queries", "anchor", "query_embeddings")
_DOCUMENTS = ("positive", "positives", "pos", "document", "documents", "positive_embeddings", "document_embeddings")
_SINGLE = ("emb", "embeddings", "vectors")


def read_vectors(uri: str) -> Float32Matrix:
    """The vectors float32 [N, D] of a `.npy` file, or of a `.pt` file with one tensor or with the key `emb`.

    Raises:
        InputError: a file that is missing, of another kind, not [N, D], empty, or holds NaN, infinity or a zero row.
    """
    content = _read(Location(uri))
    if isinstance(content, dict):
        content = _named(uri, content, _SINGLE)
    return _checked(str(Location(uri)), content)


def read_vector_pairs(uri: str, documents_uri: str | None = None) -> tuple[Float32Matrix, Float32Matrix]:
    """Vectors of the queries [Nq, D] and of the documents [Nd, D], from two files or from one.

    One file is a `.pt` mapping with `query` and `positive` (or names like these), or a `.npy` array or tensor
    [2, N, D]: the queries, then the positive of each.

    Raises:
        InputError: as `read_vectors`, or dimensions that differ.
    """
    if documents_uri is not None:
        queries, documents = read_vectors(uri), read_vectors(documents_uri)
    else:
        content = _read(Location(uri))
        if isinstance(content, dict):
            both = {"queries": _named(uri, content, _QUERIES), "documents": _named(uri, content, _DOCUMENTS)}
        elif content.ndim == 3 and len(content) == 2:
            both = {"queries": content[0], "documents": content[1]}
        else:
            raise InputError(
                f"{Location(uri)} holds one array of shape {content.shape}, expected queries and documents: a mapping "
                "with query and positive, an array [2, N, D], or a second file for the documents."
            )
        queries, documents = (_checked(f"{Location(uri)}: {name}", array) for name, array in both.items())
    if queries.shape[1] != documents.shape[1]:
        raise InputError(
            f"The queries have {queries.shape[1]:,} dimensions, the documents {documents.shape[1]:,}; they are not of "
            "one encoder."
        )
    return queries, documents


def _read(location: Location) -> Any:
    """An array, or a mapping of names to what a file of tensors holds."""
    if not location.exists():
        raise InputError(f"{location} does not exist; expected vectors in a .npy or .pt file.")
    lower = location.name.lower()
    if lower.endswith(".npy"):
        return _read_npy(location)
    if lower.endswith((".pt", ".pth")):
        return _read_pt(location)
    raise InputError(f"{location} is no file of vectors; expected a name that ends in .npy or .pt.")


def _read_npy(location: Location) -> NDArray[Any]:
    try:
        return np.asarray(npy_format.read_array(io.BytesIO(location.read_bytes()), allow_pickle=False))
    except Exception as error:  # damaged headers fail in many ways
        raise InputError(f"{location} is not a readable .npy file of numbers: {first_line(error)[:200]}") from error


def _read_pt(location: Location) -> Any:
    import torch

    try:
        content = torch.load(io.BytesIO(location.read_bytes()), weights_only=True, map_location="cpu")
        if isinstance(content, dict):
            return {name: _array(value) for name, value in content.items() if isinstance(value, torch.Tensor)}
        return _array(content)
    except Exception as error:  # damaged archives fail in many ways
        raise InputError(
            f"{location} is not a tensor or a plain mapping of tensors, so nothing was loaded; save it again by "
            "torch.save({'query': ..., 'positive': ...}, path)."
        ) from error


def _array(tensor: Any) -> NDArray[Any]:
    """Numpy has no bfloat16, and similarities need no more than float32."""
    return np.asarray(tensor.detach().float().numpy())


def _named(uri: str, content: dict[str, NDArray[Any]], names: tuple[str, ...]) -> NDArray[Any]:
    for name in names:
        if name in content:
            return content[name]
    held = ", ".join(map(str, content)) or "no tensors"
    raise InputError(f"{Location(uri)} holds {held[:200]}; expected a tensor under one of {', '.join(names)}.")


def _checked(name: str, array: NDArray[Any]) -> Float32Matrix:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} holds {array.dtype}, expected numbers.")
    with np.errstate(over="ignore"):  # told as infinity below
        vectors = np.ascontiguousarray(array, np.float32)
    require_rows(name, vectors, ndim=2)
    if not vectors.size:
        raise InputError(f"{name} is empty (shape {vectors.shape}); expected vectors [N, D].")
    zero = np.flatnonzero(~vectors.any(axis=1))
    if len(zero):
        raise InputError(f"{name} holds zero rows, which have no direction; the first is row {zero[0]:,}.")
    return vectors
