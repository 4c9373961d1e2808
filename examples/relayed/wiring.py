"""What all processes of the shop share: the database, the signals, and how they cross."""

from __future__ import annotations

import os

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine

from heliograph import Namespace
from heliograph.relay import Relay
from heliograph.relay.inbox import Inbox
from heliograph.relay.outbox import Outbox
from heliograph.transactions.sqlalchemy import install

engine = create_engine(os.environ.get("SHOP_DATABASE", "sqlite:///relayed.db"))
tables = MetaData()
products = Table(
    "products", tables, Column("sku", String, primary_key=True), Column("price", Integer)
)
orders = Table("orders", tables, Column("id", Integer, primary_key=True), Column("sku", String))
# No key keeps an order from having two bills: that is for the inbox to do.
bills = Table("bills", tables, Column("order_id", Integer), Column("price", Integer))

install()
shop = Namespace("shop")


@shop.declare
def price_changed(sender: str, *, sku: str) -> None:
    """A price is not what it was."""


@shop.declare
def order_placed(sender: str, *, order_id: int, price: int) -> None:
    """Somebody has ordered something."""


# HELIOGRAPH_RELAY_URL says where the broker is.
relay = Relay(app="relayed")
inbox, outbox = Inbox(engine), Outbox(engine, every=1.0)
relay.broadcast(price_changed, after_commit=True)
relay.durable(order_placed, outbox=outbox)
