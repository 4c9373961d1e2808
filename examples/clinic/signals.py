"""The signals of the clinic: some are known to one side only, and some are called alike."""

from __future__ import annotations

from heliograph import Namespace, Signal

desk = Namespace("desk")
archive = Namespace("archive")

order_taken = desk.signal("order-taken")  # Sent and heard, as it should be.
bell_rung = desk.signal("bell-rung")
door_closed = desk.signal("door-closed")
parcel_tied = desk.signal("parcel-tied")

parcel_lost = Signal("parcel-lost")  # <- never-sent
parcel_found = Signal("parcel-found")  # <- never-heard

bill_archived = desk.signal("bill-archived")  # <- same-name
bill_of_archive = archive.signal("bill-archived")

letter_due = desk.signal("letter-due")
price_changed = desk.signal("price-changed")
