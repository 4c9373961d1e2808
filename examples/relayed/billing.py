"""The group that bills orders: `heliograph worker relayed.billing --groups billing` runs it."""

from __future__ import annotations

import os
import time

from sqlalchemy import insert
from sqlalchemy.orm import Session

from heliograph.relay import current

from .wiring import bills, engine, inbox, order_placed, relay


# A worker that was killed is noticed after two seconds.
@relay.connect(order_placed, group="billing", patience=2.0)
def bill(sender: str, *, order_id: int, price: int) -> None:
    """Bill an order: once, however often it arrives."""
    with Session(engine) as session, session.begin(), inbox.once(session) as first:
        if first:
            session.execute(insert(bills).values(order_id=order_id, price=price))
            _linger("before the commit", order_id)
        else:
            print(f"order {order_id} has its bill already", flush=True)
    _linger("after the commit", order_id)


def _linger(where: str, order_id: int) -> None:
    """Give the demonstration the time to kill this process, in the first try."""
    delivered = current()
    if os.environ.get("SHOP_LINGER") == where and delivered is not None and delivered.tries == 1:
        print(f"order {order_id} is at work, {where}", flush=True)
        time.sleep(60)
