"""Seals entries in batches, and verifies that nothing was changed, deleted or cut."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text, update

from heliograph.audit.anchoring import anchor_of
from heliograph.audit.encoding import ENCODING, digest_of_data, digest_of_entry
from heliograph.audit.entry import HEADER
from heliograph.audit.errors import TrailError
from heliograph.audit.keeping import Told
from heliograph.audit.schema import entries, seals
from heliograph.audit.seals import BEGINNING, Anchor, Problem, Seal, Verdict, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from heliograph.audit.seals import Key
    from heliograph.audit.store import Store

_LOCK = 0x48656C696F  # "Helio": the number of PostgreSQL's lock for whoever seals.
_AT_ONCE = 1000
_SEALED = (*HEADER, "data", "data_salt", "data_digest", "digest")


def seal_all(
    store: Store,
    most: int,
    key: Key | None,
    publish: Iterable[Callable[[Anchor], object]],
    progress: Callable[[int], object],
) -> list[Seal]:
    """Seal all entries that no seal covers yet, *most* in a batch, and publish each seal.

    Raises:
        TrailError: If the seals before are signed, and there is no key to sign these.
    """
    made: list[Seal] = []
    while (seal := _seal_batch(store, most, key)) is not None:
        made.append(seal)
        for it in publish:
            it(anchor_of(seal))
        progress(sum(it.count for it in made))
    return made


def _seal_batch(store: Store, most: int, key: Key | None) -> Seal | None:
    """Seal up to *most* entries that no seal covers yet; returns the seal, or None.

    Raises:
        TrailError: If the seals before it are signed, and there is no key to sign this one.
    """
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:it)"), {"it": _LOCK})
        rows = connection.execute(
            select(entries.c.seq, entries.c.digest)
            .where(entries.c.seal_id.is_(None))
            .order_by(entries.c.seq)
            .limit(most)
        ).all()
        if not rows:
            return None
        last = _last(connection)
        if key is None and last is not None and last.key_id is not None:
            msg = (
                f"The seals of this trail are signed with the key {last.key_id!r}, and one without "
                "a signature would break that. Pass the key, or another one."
            )
            raise TrailError(msg)
        seal = _made(last, rows, key)
        connection.execute(seals.insert().values(**_columns(seal)))
        covered = [it.seq for it in rows]
        for at in range(0, len(covered), 500):
            some = entries.c.seq.in_(covered[at : at + 500])
            connection.execute(update(entries).where(some).values(seal_id=seal.id))
    return seal


def _made(last: Seal | None, rows: Any, key: Key | None) -> Seal:
    number = 1 if last is None else last.id + 1
    previous = BEGINNING if last is None else last.root
    seal = Seal(
        id=number,
        first_seq=rows[0].seq,
        last_seq=rows[-1].seq,
        count=len(rows),
        previous=previous,
        root=b"",
        sealed_at=time.time_ns() // 1000,
        encoding=ENCODING,
        key_id=None if key is None else key.id,
    )
    root = root_of(seal, [bytes(it.digest) for it in rows])
    return replace(seal, root=root, signature=None if key is None else key.sign(root))


def _columns(seal: Seal) -> dict[str, Any]:
    return {it.name: getattr(seal, it.name) for it in seals.columns}


def _last(connection: Connection) -> Seal | None:
    row = connection.execute(select(seals).order_by(seals.c.id.desc()).limit(1)).first()
    return None if row is None else _seal(row)


def _seal(row: Any) -> Seal:
    made = {it.name: getattr(row, it.name) for it in seals.columns}
    for name in ("previous", "root", "signature"):
        made[name] = None if made[name] is None else bytes(made[name])
    return Seal(**made)


def verify(
    store: Store,
    keys: Iterable[Key],
    anchors: Iterable[Anchor],
    progress: Callable[[int], object],
) -> Verdict:
    """Compare a trail with its seals, its seals with one another, with keys and with anchors."""
    with store.reading() as connection, connection.begin():
        check = _Check(connection, {it.id: it for it in keys}, [*anchors], progress)
        return check.verdict()


class _Check:
    """One look at a whole trail."""

    def __init__(
        self,
        connection: Connection,
        keys: Mapping[str, Key],
        anchors: list[Anchor],
        progress: Callable[[int], object],
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._anchors = anchors
        self._progress = progress
        self._problems: list[Problem] = []
        self._entries = self._erased = self._pruned = 0
        self._signed = True
        self._told = Told(connection)

    def verdict(self) -> Verdict:
        found = [_seal(row) for row in self._connection.execute(select(seals).order_by(seals.c.id))]
        previous, number = BEGINNING, 0
        for seal in found:
            number += 1
            if seal.id != number:
                self._problem(number, None, f"seal {number} is missing")
                number = seal.id
            elif seal.previous != previous:
                self._problem(seal.id, None, "it does not follow the seal before it")
            self._check_seal(seal)
            previous = seal.root
        self._check_anchors({it.id: it for it in found})
        unsealed = self._check_rows(None)
        return Verdict(
            assurance=self._assurance(found),
            seals=len(found),
            entries=self._entries,
            erased=self._erased,
            pruned=self._pruned,
            unsealed=len(unsealed),
            problems=tuple(self._problems),
        )

    def _assurance(self, found: list[Seal]) -> str:
        if not found:
            return "none"
        if self._anchors:
            return "anchored"
        return "keyed" if self._signed and self._keys else "chain"

    def _problem(self, seal: int | None, seq: int | None, what: str) -> None:
        self._problems.append(Problem(seal, seq, what))

    def _check_seal(self, seal: Seal) -> None:
        self._check_signature(seal)
        if seal.pruned_at is not None:
            self._pruned += seal.count
            if seal.id > self._told.pruned:
                self._problem(seal.id, None, "its entries were removed, and no entry tells of it")
            return
        digests = self._check_rows(seal)
        if len(digests) != seal.count:
            what = f"it has {len(digests)} entries, and {seal.count} were sealed"
            self._problem(seal.id, None, what)
        elif root_of(seal, digests) != seal.root:
            self._problem(seal.id, None, "its root is not that of its entries")

    def _check_signature(self, seal: Seal) -> None:
        if seal.key_id is None or seal.signature is None:
            self._signed = False
            if self._keys:
                self._problem(seal.id, None, "it is not signed")
            return
        key = self._keys.get(seal.key_id)
        if key is None:
            self._signed = False
        elif not key.signed(seal.root, seal.signature):
            self._problem(seal.id, None, f"its signature is not that of the key {key.id!r}")

    def _check_rows(self, seal: Seal | None) -> list[bytes]:
        """Compare each entry with its own digest; return the digests."""
        number = None if seal is None else seal.id
        digests: list[bytes] = []
        for seq, *header, data, salt, data_digest, digest in self._rows(number):
            if data is None:
                self._erased += 1
                if not self._told.erased(seq):
                    self._problem(number, seq, "its content was erased, and no entry tells of it")
            elif digest_of_data(salt or b"", data.encode()) != data_digest:
                self._problem(number, seq, "its content was changed")
            if digest_of_entry(header, data_digest) != digest:
                self._problem(number, seq, "its header was changed")
            digests.append(digest)
        self._entries += len(digests)
        self._progress(self._entries)
        return digests

    def _rows(self, seal: int | None) -> Iterator[Any]:
        which = entries.c.seal_id.is_(None) if seal is None else entries.c.seal_id == seal
        columns = [entries.c.seq, *(entries.c[name] for name in _SEALED)]
        query = select(*columns).where(which).order_by(entries.c.seq)
        if seal is None:  # There may be any number of them.
            query = query.execution_options(yield_per=_AT_ONCE)
        return iter(self._connection.execute(query))

    def _check_anchors(self, found: Mapping[int, Seal]) -> None:
        for anchor in self._anchors:
            seal = found.get(anchor.seal)
            if seal is None:
                what = f"seal {anchor.seal} was published, and is not there: the end was cut off"
                self._problem(anchor.seal, None, what)
            elif seal.root.hex() != anchor.root:
                self._problem(anchor.seal, None, "its root is not the one that was published")


def count_unsealed(connection: Connection) -> int:
    """Return how many entries no seal covers yet."""
    return int(
        connection.execute(
            select(func.count()).select_from(entries).where(entries.c.seal_id.is_(None))
        ).scalar_one()
    )
