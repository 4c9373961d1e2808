"""Captures of real collections of SQLAlchemy's, which tell of what is done to them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from heliograph import Signal
from heliograph.testing import capture


class Base(DeclarativeBase):
    """What the tables have in common."""


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Item]] = relationship()


class Item(Base):
    """A line of an order."""

    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))


def test_a_captured_collection_is_not_changed() -> None:
    """Nothing is appended to it, and nothing becomes dirty; the copy is a plain list."""
    appended: list[object] = []
    event.listen(Order.items, "append", lambda order, item, initiator: appended.append(item))
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    placed = Signal("order-placed")
    with Session(engine) as session:
        session.add(Order(id=1, items=[Item(id=1), Item(id=2)]))
        session.commit()
        order = session.get_one(Order, 1)
        items = list(order.items)
        del appended[:]
        with capture(placed) as sent:
            placed.send("shop", items=order.items)

        assert (appended, list(session.dirty)) == ([], [])
        assert type(sent.one()["items"]) is list
        assert sent.one()["items"] == items
    engine.dispose()
