"""What a seal is made of, and what it can prove: values and rules alone."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heliograph import ArgumentError
from heliograph.audit.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHORTEST = 16

BEGINNING = bytes(32)
"""What stands before the first seal."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A batch of entries, closed for ever.

    Attributes:
        id: Its number: 1, 2, and so on, without gaps.
        first_seq: The first entry of the batch.
        last_seq: The last one.
        count: How many entries it has.
        previous: The root of the seal before it.
        root: The digest over all of that, and over the digests of the entries.
        sealed_at: When it was made, in microseconds since the epoch.
        encoding: What made the bytes of the entries, with its version.
        key_id: The name of the key that has signed it, or None.
        signature: The signature (HMAC-SHA256 of the root), or None.
        pruned_at: When its entries were removed, or None.
    """

    id: int
    first_seq: int
    last_seq: int
    count: int
    previous: bytes
    root: bytes
    sealed_at: int
    encoding: str
    key_id: str | None = None
    signature: bytes | None = None
    pruned_at: int | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was published of a seal, where nobody who can write to the trail can change it."""

    seal: int
    root: str
    count: int
    sealed_at: int


@dataclass(frozen=True)
class Key:
    """A key that signs seals.

    Attributes:
        id: Its name, which each seal carries: keys are replaced.
        secret: At least 16 bytes.

    Raises:
        ArgumentError: If the secret is shorter.
    """

    id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < _SHORTEST:
            msg = (
                f"The key {self.id!r} has {len(self.secret)} bytes, and needs at least "
                f"{_SHORTEST}: secrets.token_bytes(32) makes one."
            )
            raise ArgumentError(msg)

    def sign(self, root: bytes) -> bytes:
        """Return the signature of a root."""
        return hmac.digest(self.secret, root, "sha256")

    def signed(self, root: bytes, signature: bytes) -> bool:
        """Tell whether the signature of a root is that of this key."""
        return hmac.compare_digest(self.sign(root), signature)


@dataclass(frozen=True)
class Problem:
    """Something that the trail proves to be wrong.

    Attributes:
        seal: The number of the seal, or None.
        seq: The number of the entry, or None.
        what: What is wrong, in one sentence.
    """

    seal: int | None
    seq: int | None
    what: str


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes:
        assurance: ``"none"`` without seals, ``"chain"``, ``"keyed"`` or ``"anchored"``: against
            whom the trail proves that it was not changed. A chain alone can be made again by
            whoever can write to the trail; a key by whoever has the key; an anchor by nobody
            before its time.
        seals: How many seals were looked at.
        entries: How many entries.
        erased: How many of them have had their content erased.
        pruned: How many were removed by retention.
        unsealed: How many entries no seal covers yet.
        problems: What is wrong.
    """

    assurance: str
    seals: int
    entries: int
    erased: int
    pruned: int
    unsealed: int
    problems: tuple[Problem, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def root_of(seal: Seal, digests: Sequence[bytes]) -> bytes:
    """Return the root of a seal: over all that it says, and over its entries in their order.

    What comes later is not in it: the signature, and when its entries were removed.
    """
    head = [getattr(seal, it) for it in _ROOTED]
    digest = hashlib.sha256(encode([*head, seal.previous.hex(), len(digests)]))
    for it in digests:
        digest.update(it)
    return digest.digest()


_ROOTED = ("id", "first_seq", "last_seq", "count", "sealed_at", "encoding", "key_id")
