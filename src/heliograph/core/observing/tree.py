"""Emissions as a tree: each receiver with the emissions that it sent."""

from __future__ import annotations

from heliograph.core.describe import title_of
from heliograph.core.showing import counted, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heliograph.core.observing.emission import Delivery, Emission


class EmissionNode:
    """An emission in a tree, with the emissions inside it.

    Attributes:
        emission: The emission.
    """

    __slots__ = ("_inside", "emission")

    def __init__(self, emission: Emission) -> None:
        self.emission: Emission = emission
        self._inside: dict[int, list[EmissionNode]] = {}

    @shown
    def __repr__(self) -> str:
        inside = counted(sum(map(len, self._inside.values())), "emission", "emissions")
        return f"<EmissionNode of {title_of(self.emission.signal)}: {inside} inside>"

    def deliveries(self) -> Iterator[tuple[Delivery, list[EmissionNode]]]:
        """Yield each delivery with what its receiver sent, in order."""
        for turn, delivery in enumerate(self.emission.deliveries):
            yield delivery, self._inside.get(turn, [])

    def unfinished(self) -> list[EmissionNode]:
        """Return emissions of receivers that have not returned, or of tasks left running."""
        several = len(self.emission.deliveries)
        return [it for turn, nodes in self._inside.items() if turn >= several for it in nodes]


def emission_tree(emissions: Iterable[Emission]) -> list[EmissionNode]:
    """Arrange emissions as a tree.

    Args:
        emissions: Emissions in the order in which they began, as the `on_start` of an
            instrument gets them, or in the order in which they ended.

    Returns:
        The outermost emissions: those without a parent in *emissions*.

    Example:
        >>> from heliograph import Signal, add_instrument, remove_instrument
        >>> paid, packed = Signal("paid"), Signal("packed")
        >>> @paid.connect
        ... def pack(sender):
        ...     packed.send(sender)
        >>> emissions = []
        >>> _ = add_instrument(emissions.append)
        >>> _ = paid.send("shop")
        >>> remove_instrument(emissions.append)
        >>> [node] = emission_tree(emissions)
        >>> [(delivery, [inner])] = node.deliveries()
        >>> node.emission.signal.name, delivery.receiver is pack, inner.emission.signal.name
        ('paid', True, 'packed')
    """
    nodes = {id(it): EmissionNode(it) for it in emissions}
    outermost = []
    for node in nodes.values():
        parent = nodes.get(id(node.emission.parent))
        if parent is None:
            outermost.append(node)
        else:
            parent._inside.setdefault(node.emission.turn, []).append(node)
    return outermost
