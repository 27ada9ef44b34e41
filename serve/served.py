"""One open snapshot with everything that is answered from it. A request takes one of these and asks nothing else, so no
answer mixes two snapshots.

Opening it checks the snapshot and makes look-ups ready; texts, vectors, files and encoders come at their first use.
"""

from __future__ import annotations

from kat_ray.encoders.encoder import Device
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.storage import Location
from serve.folder import PrivateFolder
from serve.services.columns import ColumnFiles
from serve.services.embeddings_file import EmbeddingsFile
from serve.services.encoders import Encoders
from serve.services.points import Points
from serve.services.prompts import Prompts
from serve.services.search import Search
from serve.services.texts import Texts
from serve.services.unseen import UnseenTexts
from serve.services.weights import WeightsService
from serve.settings import Limits


class ServedSnapshot:
    """The services over one snapshot. Its files lie in a private folder that goes when nobody uses it any more."""

    def __init__(self, snapshot: Snapshot, encoders: Encoders, device: Device, limits: Limits) -> None:
        self.snapshot = snapshot
        self.table = WeightTable.from_snapshot(snapshot)
        folder = PrivateFolder()
        texts = Texts(snapshot)
        self.columns = ColumnFiles(snapshot, self.table, folder)
        self.embeddings_file = EmbeddingsFile(snapshot, folder)
        self.weights = WeightsService(self.table, limits.ids, limits.draws)
        self.unseen = UnseenTexts(snapshot, encoders, device)
        self.points = Points(snapshot, texts)
        self.prompts = Prompts(snapshot, self.table, texts, self.points)
        self.search = Search(texts, self.prompts, self.unseen)

    @classmethod
    def open(
        cls, location: Location, snapshot_id: str | None, encoders: Encoders, device: Device, limits: Limits
    ) -> ServedSnapshot:
        """Open and check a snapshot of a store, or the only one here; the first look-up finds everything ready.

        Raises:
            SnapshotError: the snapshot is missing or damaged.
        """
        served = cls(Snapshot.open(location, snapshot_id), encoders, device, limits)
        served.table.lookup(["0" * 16])
        return served

    @property
    def snapshot_id(self) -> str:
        """16 hex digits."""
        return self.snapshot.snapshot_id
