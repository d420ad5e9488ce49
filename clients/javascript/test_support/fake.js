/** A clock, a network and a server for tests: what they do is said by the test. */

import { GroundswellClient } from '../src/index.js';
import { memoryStorage } from '../src/memory_storage.js';

export const SERVER = 'https://groundswell.example';
/** 2026-11-30T12:00:00Z. */
export const BEGINS = Date.UTC(2026, 10, 30, 12);

/** Lets everything happen that waits for no clock. */
export async function calm() {
  for (let n = 0; n < 3; n++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A clock that only the test moves. */
export class FakeClock {
  #now;
  #timers = new Map();
  #last = 0;

  constructor(now = BEGINS) {
    this.#now = now;
  }

  now = () => this.#now;

  setTimeout = (wake, ms) => {
    this.#last += 1;
    this.#timers.set(this.#last, { at: this.#now + ms, wake });
    return this.#last;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  /** When the next timer rings, in milliseconds from now. */
  get nextIn() {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at)) - this.#now;
  }

  /** Sets it, as a person does: no timer notices. */
  set(now) {
    for (const timer of this.#timers.values()) {
      timer.at += now - this.#now;
    }
    this.#now = now;
  }

  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      await calm();
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (!due.length) {
        break;
      }
      const [timer, { at, wake }] = due.reduce((a, b) => (b[1].at < a[1].at ? b : a));
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      wake();
    }
    this.#now = end;
    await calm();
  }
}

/** An answer as `fetch` gives it. */
export function answerOf({ status, headers = {}, body }) {
  const text = body === undefined ? '<html></html>' : JSON.stringify(body);
  const type = body === undefined ? 'text/html' : 'application/json';
  const has204 = status === 204 || status === 304;
  return new Response(has204 ? null : text, {
    status,
    headers: { 'Content-Type': type, ...headers },
  });
}

/** The answer to a batch all of which counts. */
export const COUNTED = {
  status: 200,
  body: { counted: 1, duplicate: 0, ignored: 0, rejected: 0, results: [] },
};

/** A client on a fake clock, and what it did. */
export class Bench {
  clock;
  storage;
  requests = [];
  events = [];
  beacons = [];
  /** What the network does with a request: gives an answer, or throws. */
  network = () => COUNTED;

  constructor({ storage = memoryStorage(), clock = new FakeClock(), ...options } = {}) {
    this.clock = clock;
    this.storage = storage;
    this.client = new GroundswellClient({
      server: SERVER,
      storage,
      clock,
      random: () => 0.5,
      onEvent: (event) => this.events.push(event),
      fetch: (address, init) => this.#fetch(address, init),
      sendBeacon: (address, body) => {
        this.beacons.push({ address: new URL(address), items: JSON.parse(body) });
        return true;
      },
      ...options,
    });
  }

  async #fetch(address, init) {
    const request = {
      address,
      headers: init.headers,
      items: JSON.parse(init.body),
      at: this.clock.now(),
      init,
    };
    this.requests.push(request);
    return answerOf(await this.network(request));
  }

  async report(more = {}) {
    const id = await this.client.report({ provider: 'alpha', symptom: 'no_service', ...more });
    await calm();
    return id;
  }

  settled() {
    return this.events
      .filter((event) => event.type === 'settled')
      .map((event) => [event.id, event.outcome]);
  }

  failures() {
    return this.events.filter((event) => event.type === 'failed').map(({ error }) => error);
  }
}

/** Numbers from 0 up to 1 that a seed gives (mulberry32). */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
