// Keeps what the workers have told: requests, what was sent in them, and sums for each receiver.

const MOST_EMISSIONS = 10000;
const MOST_DURATIONS = 2000;
const PATIENCE = 3000; // Milliseconds that an emission waits for the one that it was sent inside of.

class Store {
  constructor() {
    this.clear();
    this.workers = new Set();
  }

  clear() {
    this.records = []; // In the order of arrival.
    this.byKey = new Map();
    this.emissions = new Map();
    this.waiting = new Map(); // Outside of requests: those whose parent has not ended yet.
    this.travels = new Map(); // By the id of an envelope: where it was sent, and where it arrived.
    this.called = new Map();
    this.unheard = new Map();
    this.sent = new Set();
  }

  // Returns whether anything is new.
  take(answer) {
    answer.requests.forEach((it) => this.#request(it));
    answer.emissions.forEach((it) => this.#emission(it));
    this.#promote();
    this.#drop();
    return answer.requests.length + answer.emissions.length > 0;
  }

  isGone(process) {
    return this.workers.size > 0 && !this.workers.has(process);
  }

  find(key) {
    return this.byKey.get(key);
  }

  #record(key, make) {
    let record = this.byKey.get(key);
    if (!record) {
      record = { key, number: Store.#numbers++, started: Infinity, request: null, emissions: [], failed: false, ...make };
      this.byKey.set(key, record);
      this.records.push(record);
    }
    return record;
  }

  static #numbers = 0;

  // Newest first: workers tell in turns, and what began first may end last.
  newest() {
    return [...this.records].sort((one, other) => other.started - one.started || other.number - one.number);
  }

  #request(request) {
    const record = this.#record(`${request.process}/${request.id}`, { process: request.process });
    // It comes when it begins, and again when it has ended.
    if (!record.request || request.duration !== null) record.request = request;
    record.started = request.started;
    record.failed ||= request.error !== null || request.status >= 500;
    record.changed = true;
  }

  #emission(it) {
    const key = `${it.process}:${it.id}`;
    if (this.emissions.has(key)) return;
    this.emissions.set(key, it);
    this.#count(it);
    this.#travel(key, it);
    if (it.request !== null) {
      this.#put(this.#record(`${it.process}/${it.request}`, { process: it.process }), it);
    } else if (it.parent !== null && !this.#around(it)) {
      this.waiting.set(key, { it, since: performance.now() });
    } else {
      this.#outside(it, this.#around(it));
    }
  }

  // Whoever shows the other end has something new to show.
  #travel(key, it) {
    for (const envelope of it.envelopes) {
      const ends = this.travels.get(envelope) ?? { sent: [], arrived: [] };
      this.travels.set(envelope, ends);
      ends[it.origin === null ? "sent" : "arrived"].push(key);
      for (const other of [...ends.sent, ...ends.arrived]) {
        const record = this.byEmission(other);
        if (record) record.changed = true;
      }
    }
  }

  // The emissions at the other end of the envelopes in which one travels, as far as they are here.
  otherEnds(it) {
    const far = it.origin === null ? "arrived" : "sent";
    return it.envelopes.flatMap((envelope) => this.travels.get(envelope)?.[far] ?? [])
      .map((key) => ({ emission: this.emissions.get(key), record: this.byEmission(key) }))
      .filter(({ record }) => record);
  }

  #around(it) {
    return it.parent === null ? null : this.byEmission(`${it.process}:${it.parent}`);
  }

  byEmission(key) {
    const it = this.emissions.get(key);
    return it && (it.request !== null ? this.byKey.get(`${it.process}/${it.request}`) : this.byKey.get(it.home));
  }

  #outside(it, around) {
    const key = `${it.process}:${it.id}`;
    const record = around ?? this.#record(key, { process: it.process });
    it.home = record.key;
    this.#put(record, it);
    for (const [waiting, { it: inner }] of this.waiting) {
      if (inner.process === it.process && inner.parent === it.id) {
        this.waiting.delete(waiting);
        this.#outside(inner, record);
      }
    }
  }

  #promote() {
    const now = performance.now();
    for (const [key, { it, since }] of this.waiting) {
      if (now - since > PATIENCE) {
        this.waiting.delete(key);
        this.#outside(it, null);
      }
    }
  }

  #put(record, it) {
    record.emissions.push(it);
    if (!record.request) record.started = Math.min(record.started, it.started);
    record.failed ||= it.deliveries.some((one) => one.error !== null);
    record.changed = true;
  }

  #drop() {
    while (this.emissions.size > MOST_EMISSIONS && this.records.length > 1) {
      const oldest = this.records.shift();
      this.byKey.delete(oldest.key);
      for (const it of oldest.emissions) {
        this.emissions.delete(`${it.process}:${it.id}`);
        it.envelopes.forEach((envelope) => this.#forget(envelope));
      }
    }
  }

  #forget(envelope) {
    const { sent = [], arrived = [] } = this.travels.get(envelope) ?? {};
    if (![...sent, ...arrived].some((key) => this.emissions.has(key))) this.travels.delete(envelope);
  }

  #count(it) {
    const signal = signalKey(it.namespace, it.signal);
    this.sent.add(signal);
    if (it.unheard !== null) {
      const key = `${signal}\n${it.unheard}\n${it.location}`;
      const found = this.unheard.get(key) ?? { ...it, times: 0 };
      found.times += 1;
      found.last = it.started;
      this.unheard.set(key, found);
    }
    it.deliveries.forEach((one) => this.#deliver(signal, it, one));
  }

  #deliver(signal, it, one) {
    const key = receiverKey(signal, one.receiver);
    const found = this.called.get(key) ?? {
      signal: it.signal, namespace: it.namespace, receiver: one.receiver, location: one.location,
      calls: 0, errors: 0, total: 0, slowest: -1, slowestAt: null, durations: [], lastError: null,
    };
    this.called.set(key, found);
    found.calls += 1;
    found.total += one.duration;
    if (one.error !== null) {
      found.errors += 1;
      found.lastError = one.error;
    }
    if (one.duration > found.slowest) {
      found.slowest = one.duration;
      found.slowestAt = it.location;
    }
    if (found.durations.length >= MOST_DURATIONS) found.durations.shift();
    found.durations.push(one.duration);
  }
}

const signalKey = (namespace, signal) => JSON.stringify([namespace, signal]);

const receiverKey = (signal, receiver) => `${signal}\n${receiver}`;

// What a record is called in the list, and how it went.
const summary = (record) => {
  const { request, emissions } = record;
  if (request) {
    return {
      verb: request.kind === "websocket" ? "WS" : request.method,
      title: request.path, started: request.started, took: request.duration,
      status: request.status, error: request.error,
    };
  }
  const first = emissions.reduce((one, other) => (other.id < one.id ? other : one));
  const verb = first.origin === null ? "send" : "relay";
  return { verb, title: first.signal, started: first.started, took: first.duration, status: null, error: null };
};

const matches = (record, { text, failed, slow }) => {
  if (failed && !record.failed) return false;
  const took = summary(record).took;
  const slowest = () => record.emissions.some((it) => it.deliveries.some((one) => one.duration >= slow));
  if (slow > 0 && !(took !== null && took >= slow) && !slowest()) return false;
  if (!text) return true;
  const wanted = text.toLowerCase();
  const has = (it) => it !== null && it !== undefined && String(it).toLowerCase().includes(wanted);
  const { title, verb, status, error } = summary(record);
  return has(`${verb} ${title}`) || has(status) || has(error) || has(record.request?.route)
    || record.emissions.some((it) => has(it.signal) || has(it.namespace) || has(it.origin)
      || it.deliveries.some((one) => has(one.receiver) || has(one.error)));
};
