// Arranges what was sent in a request as rows of a tree: each receiver with what it sent.

const FOLD_FROM = 3;

// Returns {rows, from, to, hidden}: the rows that are shown, the span of time, and how many
// emissions that nobody heard are left out.
const arrange = (record, { closed, opened, unheard }) => {
  const known = new Map(record.emissions.map((it) => [it.id, it]));
  const inside = new Map();
  const outermost = [];
  for (const it of [...record.emissions].sort((one, other) => one.id - other.id)) {
    if (it.parent === null || !known.has(it.parent)) outermost.push(it);
    else {
      if (!inside.has(it.parent)) inside.set(it.parent, []);
      inside.get(it.parent).push(it);
    }
  }
  const plan = { inside, closed, opened, unheard, rows: [], hidden: 0 };
  siblings(plan, outermost, 1);
  return { ...spanOf(record), rows: plan.rows, hidden: plan.hidden };
};

const spanOf = (record) => {
  const { started, took } = summary(record);
  let from = started;
  let to = started + (took ?? 0);
  for (const it of record.emissions) {
    from = Math.min(from, it.started);
    to = Math.max(to, it.started + it.duration);
  }
  return { from, to: to > from ? to : from + 1e-6 };
};

const siblings = (plan, emissions, level) => {
  const heard = plan.unheard ? emissions : emissions.filter((it) => !isIdle(plan, it));
  plan.hidden += emissions.length - heard.length;
  for (const group of folded(plan, heard)) {
    if (group.length < FOLD_FROM || plan.opened.has(foldKey(group[0]))) {
      if (group.length >= FOLD_FROM) foldRow(plan, group, level, true);
      group.forEach((it) => emissionRow(plan, it, level + (group.length >= FOLD_FROM ? 1 : 0)));
    } else foldRow(plan, group, level, false);
  }
};

const isIdle = (plan, it) =>
  it.deliveries.length === 0 && !it.muted && !it.envelopes.length && !plan.inside.has(it.id);

const foldKey = (it) => `fold:${it.process}:${it.id}`;

// Neighbours that say the same: one signal, the same receivers, no error and nothing inside.
const folded = (plan, emissions) => {
  const groups = [];
  let last = null;
  for (const it of emissions) {
    const plain = !plan.inside.has(it.id) && it.deliveries.every((one) => one.error === null);
    const key = plain ? JSON.stringify([it.namespace, it.signal, it.muted, it.deliveries.map((one) => one.receiver)]) : null;
    if (key !== null && key === last) groups.at(-1).push(it);
    else groups.push([it]);
    last = key;
  }
  return groups;
};

const foldRow = (plan, group, level, open) => {
  const first = group[0];
  const last = group.at(-1);
  plan.rows.push({
    kind: "fold", key: foldKey(first), level, emission: first, many: group.length, open,
    took: group.reduce((sum, it) => sum + it.duration, 0),
    from: first.started, to: last.started + last.duration, failed: false,
  });
};

const emissionRow = (plan, it, level) => {
  const key = `${it.process}:${it.id}`;
  const inner = plan.inside.get(it.id) ?? [];
  const failed = it.deliveries.some((one) => one.error !== null);
  const leaf = it.deliveries.length === 0 && inner.length === 0;
  const open = leaf ? null : !plan.closed.has(key);
  plan.rows.push({
    kind: "emission", key, level, emission: it, open, failed,
    took: it.duration, from: it.started, to: it.started + it.duration,
  });
  if (open) deliveries(plan, it, inner, level + 1);
};

// Receivers run one after the other, and only their durations are known: each is put as early as
// it can be, and around what was sent inside of it.
const deliveries = (plan, it, inner, level) => {
  let at = it.started;
  it.deliveries.forEach((one, turn) => {
    const children = inner.filter((child) => child.turn === turn);
    const ends = children.map((child) => child.started + child.duration);
    if (children.length) {
      const latest = Math.max(...ends) - one.duration;
      at = Math.max(at, Math.min(latest, children[0].started));
    }
    deliveryRow(plan, it, { one, turn, children, from: at }, level);
    at += one.duration;
  });
  // Of receivers that have not returned, or of tasks that they left running.
  siblings(plan, inner.filter((child) => child.turn >= it.deliveries.length), level);
};

const deliveryRow = (plan, it, { one, turn, children, from }, level) => {
  const key = `${it.process}:${it.id}/${turn}`;
  const open = children.length ? !plan.closed.has(key) : null;
  plan.rows.push({
    kind: "delivery", key, level, emission: it, delivery: one, open, failed: one.error !== null,
    took: one.duration, from, to: from + one.duration,
  });
  if (open) siblings(plan, children, level + 1);
};
