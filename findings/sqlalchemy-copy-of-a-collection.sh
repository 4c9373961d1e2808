#!/usr/bin/env bash
# copy.copy() of a relationship's list gives a second handle on the owner, not a list of its own:
# what is popped from the copy is deleted from the database.
#
# Package: SQLAlchemy 2.1.9 (2.0.58 does the same), with the standard library's copy.copy().
#
# Behaviour: `order.items` is an InstrumentedList, which holds its link to the order in its
# attributes. copy.copy() copies the attributes first and then appends the items one by one, so
# the copy is linked to the same order before it is filled. Each of these appends reaches the
# "append" hooks of Order.items, and the order and its items count as dirty although only a
# shallow copy was made. From then on the copy reports its own changes as changes of the order.
# With "delete-orphan", pop() on the copy deletes the row at the next commit, while the list that
# the order shows has both items until then, and Session.is_modified(order) is False throughout.
# list(order.items), order.items[:] and order.items.copy() are plain lists and do nothing of this.
#
# Seen:
#   list(), [:], .copy()  heard []  dirty 0
#   copy.copy()           heard ['append pen', 'append ink']  dirty 3  modified False
#   pop() on the copy     heard ['remove ink']  modified False  order shows ['pen', 'ink']
#   after the commit      order has ['pen']  rows ['pen']
#
# Why it matters: the standard library's shallow copy is what a careful engineer takes in order
# not to touch the original, say for a list of work to pop from, for a snapshot in an audit hook,
# or in a tool that records what it is given. Here it is the one way of copying that writes.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    sqlalchemy==2.1.9 typing-extensions==4.16.0

cat >orders.py <<'PY'
import copy

from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list["Item"]] = relationship(
        back_populates="order", cascade="all, delete-orphan", order_by="Item.id"
    )


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order | None] = relationship(back_populates="items")


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
session = Session(engine)
session.add(Order(items=[Item(name="pen"), Item(name="ink")]))
session.commit()

order = session.scalars(select(Order)).one()
assert [item.name for item in order.items] == ["pen", "ink"]
heard = []
event.listen(Order.items, "append", lambda order, item, _: heard.append(f"append {item.name}"))
event.listen(Order.items, "remove", lambda order, item, _: heard.append(f"remove {item.name}"))

list(order.items), order.items[:], order.items.copy()
print(f"list(), [:], .copy()  heard {heard}  dirty {len(session.dirty)}")

copied = copy.copy(order.items)
assert copied is not order.items
print(f"copy.copy()           heard {heard}  dirty {len(session.dirty)}", end="")
print(f"  modified {session.is_modified(order)}")

heard.clear()
copied.pop()
print(f"pop() on the copy     heard {heard}  modified {session.is_modified(order)}", end="")
print(f"  order shows {[item.name for item in order.items]}")

session.commit()
rows = list(session.scalars(select(Item.name).order_by(Item.id)))
print(f"after the commit      order has {[item.name for item in order.items]}  rows {rows}")
PY

cat >expected <<'TEXT'
list(), [:], .copy()  heard []  dirty 0
copy.copy()           heard ['append pen', 'append ink']  dirty 3  modified False
pop() on the copy     heard ['remove ink']  modified False  order shows ['pen', 'ink']
after the commit      order has ['pen']  rows ['pen']
TEXT

venv/bin/python orders.py | tee seen
diff expected seen
