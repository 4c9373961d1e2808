"""The triggers that let nobody change or delete entries, not even by REPLACE."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SEAL = (
    "id", "first_seq", "last_seq", "count", "previous", "root", "sealed_at", "encoding", "key_id",
    "signature",
)  # fmt: skip

# What may change: content is erased, an entry is sealed, a sealed batch is removed. REPLACE
# deletes what stands in its way without asking the triggers for that, so it is stopped before.
_SQLITE = """
CREATE TRIGGER audit_entry_insert BEFORE INSERT ON audit_entry
WHEN EXISTS (SELECT 1 FROM audit_entry WHERE seq = NEW.seq OR id = NEW.id)
BEGIN {refuse} END
;;
CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry
WHEN NOT (
  {same_entry}
  AND (NEW.data IS OLD.data OR NEW.data IS NULL)
  AND (NEW.data_salt IS OLD.data_salt OR NEW.data_salt IS NULL)
  AND (NEW.seal_id IS OLD.seal_id OR OLD.seal_id IS NULL))
BEGIN {refuse} END
;;
CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry
WHEN NOT EXISTS (
  SELECT 1 FROM audit_seal WHERE id = OLD.seal_id AND pruned_at IS NOT NULL)
BEGIN {refuse} END
;;
CREATE TRIGGER audit_seal_insert BEFORE INSERT ON audit_seal
WHEN EXISTS (SELECT 1 FROM audit_seal WHERE id = NEW.id)
BEGIN {refuse} END
;;
CREATE TRIGGER audit_seal_update BEFORE UPDATE ON audit_seal
WHEN NOT ({same_seal} AND (NEW.pruned_at IS OLD.pruned_at OR OLD.pruned_at IS NULL))
BEGIN {refuse} END
;;
CREATE TRIGGER audit_seal_delete BEFORE DELETE ON audit_seal
BEGIN {refuse} END
"""

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION audit_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF EXISTS (SELECT 1 FROM audit_seal WHERE id = OLD.seal_id AND pruned_at IS NOT NULL) THEN
      RETURN OLD;
    END IF;
  ELSIF {same_entry}
    AND (NEW.data IS NOT DISTINCT FROM OLD.data OR NEW.data IS NULL)
    AND (NEW.data_salt IS NOT DISTINCT FROM OLD.data_salt OR NEW.data_salt IS NULL)
    AND (NEW.seal_id IS NOT DISTINCT FROM OLD.seal_id OR OLD.seal_id IS NULL) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the trail is append-only';
END
$guard$
;;
CREATE OR REPLACE FUNCTION audit_seal_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF TG_OP = 'UPDATE' AND {same_seal}
    AND (NEW.pruned_at IS NOT DISTINCT FROM OLD.pruned_at OR OLD.pruned_at IS NULL) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the trail is append-only';
END
$guard$
;;
CREATE TRIGGER audit_entry_guard BEFORE UPDATE OR DELETE ON audit_entry
FOR EACH ROW EXECUTE FUNCTION audit_entry_guard()
;;
CREATE TRIGGER audit_seal_guard BEFORE UPDATE OR DELETE ON audit_seal
FOR EACH ROW EXECUTE FUNCTION audit_seal_guard()
"""


def guards(dialect: str, header: Sequence[str]) -> list[str]:
    """Return the statements that make the triggers of a database.

    Args:
        dialect: ``"sqlite"`` or ``"postgresql"``.
        header: The columns of an entry that nobody may change.
    """
    equal = "IS" if dialect == "sqlite" else "IS NOT DISTINCT FROM"
    text = (_SQLITE if dialect == "sqlite" else _POSTGRESQL).format(
        refuse="SELECT RAISE(ABORT, 'the trail is append-only');",
        same_entry=_same((*header, "seq", "data_digest", "digest"), equal),
        same_seal=_same(_SEAL, equal),
    )
    return [it.strip() for it in text.split(";;")]


def _same(names: Iterable[str], equal: str) -> str:
    return " AND ".join(f"NEW.{it} {equal} OLD.{it}" for it in names)
