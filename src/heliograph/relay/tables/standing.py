"""Standing: what an outbox and an inbox have in common, as both stand on tables of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.relay.tables.schema import create

if TYPE_CHECKING:
    from heliograph.relay.tables.databases import Database


class Standing:
    """Something that stands on tables, which are made, checked and brought to this version.

    Args:
        database: Where they are.
        name: What messages call it.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def __repr__(self) -> str:
        return f"<{self._name} in {self._database}>"

    def open(self) -> None:
        """Make the tables, or check them, before they are used. Doing so twice is no error.

        Raises:
            UnavailableError: If the database does not answer, or refuses us.
            RelayError: If the tables are missing and not to be made, or of another version.
        """
        self._database.open()

    def create(self) -> int:
        """Make the tables if there are none; return the version that they had, or 0.

        Raises:
            UnavailableError: If the database does not answer, or refuses us.
            RelayError: If they are of another version.
        """
        return self._database.prepare(create)

    def upgrade(self) -> int:
        """Bring the tables to this version; return the version that they had, or 0.

        Raises:
            UnavailableError: If the database does not answer, or refuses us.
            RelayError: If they are of a newer version.
        """
        return self._database.upgrade()

    def close(self) -> None:
        """Close the connections of its own. It may be used again."""
        self._database.close()
