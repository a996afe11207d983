"""The policies that were made here, as they were exported."""

from datetime import UTC, datetime

import pandas as pd

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.store.database import Database


class PolicyShelf(Database):
    """Reads and writes the documents of policies; what is in them is not looked at."""

    def policies(self) -> pd.DataFrame:
        """Columns `policy_id`, `created_at` (UTC), `document` (JSON); the latest first."""
        return self._frame("SELECT * FROM policy ORDER BY created_at DESC, policy_id")

    def policy(self, policy_id: str) -> str:
        """The document of one.

        Raises:
            UnknownNameError: there is none of that id.
        """
        found = self._rows("SELECT document FROM policy WHERE policy_id = $id", id=policy_id)
        if not found.num_rows:
            there = self.policies()["policy_id"]
            raise UnknownNameError(
                f"no policy {policy_id!r}; there are: {', '.join(there) or 'none yet'}"
            )
        return str(found["document"][0].as_py())

    def add_policy(self, policy_id: str, created_at: datetime, document: str) -> None:
        """Keep a policy.

        Args:
            policy_id: must be new.
            created_at: with a zone.
            document: JSON.

        Raises:
            DataError: there is one of that id.
        """
        with self.atomic():
            if self._one("SELECT count(*) FROM policy WHERE policy_id = $id", id=policy_id)[0]:
                raise DataError(f"policy {policy_id!r} is kept already; delete it first")
            self._write(
                "INSERT INTO policy VALUES ($id, $created_at, $document)",
                id=policy_id,
                created_at=created_at.astimezone(UTC).replace(tzinfo=None, microsecond=0),
                document=document,
            )

    def delete_policy(self, policy_id: str) -> None:
        """Remove a policy.

        Raises:
            UnknownNameError: there is none of that id.
        """
        with self.atomic():
            self.policy(policy_id)
            self._write("DELETE FROM policy WHERE policy_id = $id", id=policy_id)
