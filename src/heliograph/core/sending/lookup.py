"""Looks up whom a send calls: the snapshot for its sender, which is made when there is none."""

from __future__ import annotations

from heliograph.core.connections.connection import Connection, connected
from heliograph.core.connections.group import listed
from heliograph.core.connections.scopes import counted_here, unmuted
from heliograph.core.identity import ANY, is_held_by_value, key_function, sender_key, unwrapped
from heliograph.core.lock import pending_changes
from heliograph.core.sending.snapshot import Plan, one_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from heliograph.core.connections.registry import Registry

# Reading takes no lock: what is built of a copy carries the stamps that were read before, by
# which anybody can tell that it is out of date.


def find(registry: Registry, sender: Any) -> tuple[Any, Plan]:
    """Return the real sender and the plan for it, which is made again if it is old."""
    key = key_function(type(sender))
    if key is None:
        sender = unwrapped(sender)
        key = sender_key
    senders, any_group = registry.senders, registry.any
    group = (senders.get(key(sender)) if senders else None) or any_group
    if pending_changes and any(connection() is None for connection in listed(group)):
        group = any_group  # It is that of a dead sender, which had the same address.
    plan, any_stamp, own_stamp = group._plan, any_group._stamp, group._stamp
    if plan is None and isinstance(group, Connection) and group._terms is group._record.terms:
        plan = group._record.alone
    if plan is None or plan.any_stamp != any_stamp or plan.own_stamp != own_stamp:
        if isinstance(group, Connection) and (alone := _alone(registry, group, any_stamp)):
            return sender, alone
        # The stamps were read before: if a change comes while the connections are
        # copied, the plan is an old one from the start.
        found = listed(any_group)
        if group is not any_group:
            found += listed(group)
        group._plan = plan = Plan(found, any_stamp, own_stamp)
    return sender, plan


def _alone(registry: Registry, connection: Connection, any_stamp: int) -> Plan | None:
    """Return the plan that all senders share for whom a receiver alone is connected."""
    # A plan each would take twice the memory of the connections.
    record = connection._record
    if registry.any.connections or connection._terms is not record.terms:
        return None
    if connection() is ANY:  # Held strongly, and a plan must not hold it any longer.
        return None
    plan = record.alone
    if plan is None or plan.any_stamp != any_stamp:
        record.alone = plan = Plan([connection], any_stamp, connection._stamp, shared=True)
    return plan


def keep(registry: Registry, stamp: int, sender: Any, plan: Plan) -> None:
    """Let the next sends use a plan without looking for it, if it is for no sender alone."""
    usable = registry.keeps_plans and plan is registry.any._plan
    if usable and (not registry.senders or not is_held_by_value(sender)):
        registry.fast = (stamp, type(sender), plan)


def whole(registry: Registry, plan: Plan, sender: Any) -> Plan:
    """Return a plan with the sender's own connection, where it is one that senders share."""
    if not plan.shared:
        return plan
    [other] = plan.connections
    key = sender_key(sender)
    found = registry.senders.get(key)
    if not isinstance(found, Connection) or found._record is not other._record:
        # It has ended meanwhile; one like it tells what became of the call.
        found = connected(other._record, key, 0, other._terms, sender, None)
    return Plan([found], plan.any_stamp, plan.own_stamp)


def counted(registry: Registry, plan: Plan) -> list[Connection]:
    """Return the connections of a plan that count in the current context, in order."""
    found = one_each(counted_here(plan.connections)) if plan.scoped else plan.connections
    return list(unmuted(registry.mutes, found))


def audience(registry: Registry, sender: Any) -> Iterable[Connection]:
    """Return all connections that count for a sender now: several of a receiver, maybe."""
    own = registry.senders.get(sender_key(sender)) or registry.any
    found = [connection for connection in listed(own) if connection() is not None]
    found = found if own is registry.any else listed(registry.any) + found
    return unmuted(registry.mutes, counted_here(found))
