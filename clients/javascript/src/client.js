/**
 * The client: takes reports into the queue, and sends them until the server has said what
 * became of each.
 *
 * A report leaves the queue once the server answered, or once it is too old to count. It is
 * sent as the same bytes each time, so that it counts once however often it is sent.
 *
 * @module
 */

import { judge } from './answers.js';
import {
  HOLD_S,
  LONGEST_RETRY_AFTER_S,
  LONGEST_SPREAD_S,
  RETURN_SPREAD_S,
  bounds,
  drawnMs,
  spread,
} from './back_off.js';
import { Queue } from './queue.js';
import {
  ask,
  beaconAddress,
  beaconOfBrowser,
  bodyOf,
  firstOfBeacon,
  isProblem,
} from './transport.js';

/** Reports that wait at most. */
const MOST_WAITING = 200;
/** Reports that are sent at once: servers take as many from who has no key. */
const MOST_AT_ONCE = 50;
/** Servers take no older reports. */
const KEPT_MS = 48 * 3_600_000;
/** Servers take 64 KiB. */
const MOST_REPORT_BYTES = 60_000;

/**
 * @typedef {Record<string, unknown>} Report as docs/api.md describes it
 *
 * @typedef {import('./queue.js').Item} Item
 * @typedef {import('./queue.js').Wait} Wait
 * @typedef {import('./answers.js').Answer} Answer
 * @typedef {import('./answers.js').ItemResult} ItemResult
 * @typedef {import('./transport.js').Clock} Clock
 */

/**
 * What the client tells the app.
 *
 * - `settled`: the end of one report. `outcome` is the server's word, or `expired` where the
 *   report waited for 48 hours. A crash may tell it twice, and never loses it.
 * - `waiting`: nothing is sent before `until`. `status` is 0 where no answer came.
 * - `held`: nothing is sent without another key, or for an hour.
 * - `failed`: the storage, or a callback of the app.
 *
 * @typedef {{ type: 'settled', id: string, report: Report, outcome: string, code?: string,
 *     field?: string, expected?: string, warning?: string, test?: true, waiting: number }
 *   | { type: 'waiting', waiting: number, until: number, status: number }
 *   | { type: 'held', waiting: number, until: number | undefined, status: number }
 *   | { type: 'failed', error: unknown }} ClientEvent
 */

/**
 * @typedef {object} Options
 * @property {string} server its address, such as `https://groundswell.example`
 * @property {import('./memory_storage.js').Storage} storage
 * @property {string} [key] of the app, with the scope `report`
 * @property {(event: ClientEvent) => void} [onEvent]
 * @property {number} [mostWaiting] reports in the queue
 * @property {typeof fetch} [fetch]
 * @property {Clock} [clock]
 * @property {() => number} [random] from 0 up to 1
 * @property {(url: string, body: string) => boolean} [sendBeacon]
 * @property {<T>(work: () => Promise<T>) => Promise<T>} [exclusively] runs one at a time of
 *   all that share the storage
 */

/** The queue has no room. The report was not taken. */
export class QueueFull extends Error {
  name = 'QueueFull';
}

/** See the module. */
export class GroundswellClient {
  #server;
  #key;
  #queue;
  #tellApp;
  #mostWaiting;
  #fetch;
  /** @type {Clock} */
  #clock;
  #random;
  #sendBeacon;
  #exclusively;

  /** @type {Promise<void>} */
  #adding = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #sending;
  #mustLookAgain = false;
  /** Why nothing is sent until there is another key: the status of that answer. */
  #refusedKey = 0;
  #isClosed = false;
  /** Reports that are sent at once. Halved where a server takes fewer. */
  #atOnce = MOST_AT_ONCE;
  /** Reports that are sent one by one, to find the one at fault. */
  #alone = 0;
  /** Whether the network came back since the last answer: failures before say nothing. */
  #isBack = false;
  /** @type {unknown} */
  #timer;
  #wakesAt = Infinity;
  /** @type {AbortController | undefined} */
  #request;
  /** @type {Set<string>} */
  #sentByBeacon = new Set();

  /** @param {Options} options */
  constructor(options) {
    this.#server = options.server.replace(/\/+$/, '');
    this.#key = options.key;
    this.#queue = new Queue(options.storage);
    this.#tellApp = options.onEvent ?? (() => {});
    this.#mostWaiting = options.mostWaiting ?? MOST_WAITING;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#clock = options.clock ?? {
      now: () => Date.now(),
      setTimeout: (wake, ms) => globalThis.setTimeout(wake, ms),
      clearTimeout: (timer) => globalThis.clearTimeout(timer),
    };
    this.#random = options.random ?? Math.random;
    this.#sendBeacon = options.sendBeacon ?? beaconOfBrowser();
    this.#exclusively = options.exclusively ?? lockOfBrowser(this.#server);
  }

  /**
   * Looks into the storage, and sends what waits there at a random moment of the next
   * minute: others start now, too.
   *
   * @returns {Promise<number>} reports that wait
   */
  async start() {
    await this.#queue.look();
    if (this.#queue.items.length) {
      this.#wakeIn(drawnMs({ least_s: 0, most_s: RETURN_SPREAD_S }, this.#random));
    }
    return this.#queue.items.length;
  }

  /**
   * Takes a report. Once this resolves, the report survives a crash, and is being sent.
   *
   * `observed_at`, `id` and `reporter_id` are added where the app gives none. A report whose
   * `id` already waits is not taken again.
   *
   * @param {Report} report
   * @returns {Promise<string>} its id
   * @throws {QueueFull | RangeError} where it is not taken
   */
  async report(report) {
    const added = this.#adding.then(() => this.#add(report));
    this.#adding = added.then(
      () => {},
      () => {},
    );
    const id = await added;
    this.#send();
    return id;
  }

  /** @param {Report} report */
  async #add(report) {
    const now = this.#clock.now();
    await this.#queue.look();
    const id = report.id === undefined ? randomId() : String(report.id);
    if (this.#queue.items.some((item) => item.id === id)) {
      return id;
    }
    if (this.#mostWaiting <= this.#queue.items.length) {
      throw new QueueFull(`${this.#mostWaiting} reports wait already`);
    }
    const reporter = report.reporter_id ? undefined : this.#queue.reporter(now, randomId);
    // Without a time of its own a report would count anew each time it is sent.
    const whole = {
      ...report,
      observed_at: report.observed_at || new Date(now).toISOString(),
      reporter_id: reporter?.id ?? report.reporter_id,
      id,
    };
    if (MOST_REPORT_BYTES < JSON.stringify(whole).length) {
      throw new RangeError(`a report must have at most ${MOST_REPORT_BYTES} characters as JSON`);
    }
    await this.#queue.add({ id, report: whole, queuedAt: now }, reporter);
    return id;
  }

  /** Reports that wait, as of the last look into the storage. */
  get waiting() {
    return this.#queue.items.length;
  }

  /**
   * Sends what may be sent now, and resolves once that is done. A wait that the server asked
   * for goes on.
   */
  async flush() {
    await this.#send();
  }

  /**
   * The network may be back: sends at a random moment of the next minute, unless the server
   * asked for a longer wait.
   */
  async online() {
    this.#isBack = true;
    await this.#queue.look();
    const { items, wait } = this.#queue;
    const isWaiting = 0 < this.#leftOf(wait);
    if (!items.length || (isWaiting && wait?.because !== 'network')) {
      return;
    }
    const forMs = drawnMs({ least_s: 0, most_s: RETURN_SPREAD_S }, this.#random);
    if (isWaiting && wait) {
      await this.#queue.settle([], { ...wait, since: this.#clock.now(), forMs });
    }
    this.#stopTimer();
    this.#wakeIn(forMs);
  }

  /**
   * The page may be going away: hands what waits to the browser, which sends it even so. It
   * stays in the queue, since nobody hears the answer; sent again, it counts once.
   *
   * @returns {number} reports that the browser took
   */
  beacon() {
    if (!this.#sendBeacon || this.#refusedKey || 0 < this.#leftOf(this.#queue.wait)) {
      return 0;
    }
    const unsent = this.#queue.items.filter((item) => !this.#sentByBeacon.has(item.id));
    const batch = firstOfBeacon(unsent.slice(0, MOST_AT_ONCE));
    const address = beaconAddress(this.#server, this.#key, this.#clock.now());
    if (!batch.length || !this.#sendBeacon(address, bodyOf(batch))) {
      return 0;
    }
    batch.forEach((item) => this.#sentByBeacon.add(item.id));
    return batch.length;
  }

  /**
   * Goes on with another key.
   *
   * @param {string | undefined} key
   */
  async setKey(key) {
    this.#key = key;
    this.#refusedKey = 0;
    await this.#send();
  }

  /**
   * Forgets all that is kept of the person: the queue, and the reporter's id. What is on its
   * way to the server may arrive.
   */
  async forget() {
    await this.#adding;
    this.#request?.abort();
    await this.#queue.forget();
  }

  /** Ends all that goes on. The queue stays. */
  close() {
    this.#isClosed = true;
    this.#stopTimer();
    this.#request?.abort();
  }

  /** Sends until nothing is left or something must be waited for. */
  #send() {
    this.#mustLookAgain = true;
    this.#sending ??= this.#exclusively(() => this.#sendAll())
      .catch((error) => {
        // What is in the storage is tried again, as after any failure.
        this.#mustLookAgain = false;
        this.#tell({ type: 'failed', error });
        this.#wakeIn(drawnMs(bounds(Infinity), this.#random));
      })
      .finally(() => {
        this.#sending = undefined;
        if (this.#mustLookAgain && !this.#isClosed) {
          this.#send();
        }
      });
    return this.#sending;
  }

  async #sendAll() {
    while (!this.#isClosed) {
      this.#mustLookAgain = false;
      await this.#queue.look();
      await this.#expire();
      const { items, wait } = this.#queue;
      const leftMs = this.#leftOf(wait);
      if (!items.length || this.#refusedKey) {
        return;
      }
      if (0 < leftMs) {
        this.#wakeIn(leftMs);
        return;
      }
      const batch = items.slice(0, 0 < this.#alone ? 1 : this.#atOnce);
      const answer = await this.#ask(batch);
      if (this.#isClosed) {
        return;
      }
      const begins = !wait || (this.#isBack && wait.because === 'network');
      this.#isBack = false;
      await this.#follow(answer, batch, begins ? 0 : wait.failures);
    }
  }

  /** Drops what no server takes any more. */
  async #expire() {
    const now = this.#clock.now();
    const old = this.#queue.items.filter((item) => KEPT_MS < now - item.queuedAt);
    if (old.length) {
      old.forEach((item, at) => this.#settled(item, { outcome: 'expired' }, at + 1));
      await this.#queue.settle(old, this.#queue.wait);
    }
  }

  /**
   * Does what an answer asks for.
   *
   * @param {Answer} answer
   * @param {Item[]} batch
   * @param {number} failures in a row before
   */
  async #follow(answer, batch, failures) {
    const sent = /** @type {const} */ ({ kind: 'batch', sentAt: true });
    const verdict = judge({ ...sent, items: batch.length }, answer, this.#clock.now());
    switch (verdict.does) {
      case 'settle':
        return this.#settle(verdict, batch, failures);
      case 'drop': {
        const { does, ...why } = verdict;
        this.#settled(batch[0], { outcome: 'rejected', ...why }, 1);
        return this.#done(batch);
      }
      case 'split':
        this.#atOnce = Math.ceil(batch.length / 2);
        return undefined;
      case 'one_by_one':
        this.#alone = batch.length;
        return undefined;
      case 'hold_for_key':
        this.#refusedKey = answer.status;
        this.#tell({ ...this.#now('held', answer), until: undefined });
        return undefined;
      case 'repeat':
        return this.#pause(
          'waiting',
          answer,
          this.#drawn(bounds(failures + 1, verdict.retry_after_s), failures, answer),
        );
      default:
        // The others cannot come: there is no query, and the clock is always told.
        return this.#pause('held', answer, this.#drawn(spread(HOLD_S), failures, answer));
    }
  }

  /**
   * @param {{ items: ItemResult[], test?: true }} verdict
   * @param {Item[]} batch
   * @param {number} failures
   */
  async #settle({ items, test }, batch, failures) {
    /** @type {Item[]} */
    const done = [];
    batch.forEach((item, at) => {
      const { then, ...result } = items[at];
      if (then !== 'keep') {
        done.push(item);
        this.#settled(item, { ...result, ...(test && { test }) }, done.length);
      }
    });
    if (done.length < batch.length) {
      return this.#queue.settle(done, this.#drawn(bounds(failures + 1), failures));
    }
    return this.#done(done);
  }

  /** @param {Item[]} batch */
  async #done(batch) {
    this.#alone = Math.max(0, this.#alone - batch.length);
    await this.#queue.settle(batch);
  }

  /**
   * @param {'waiting' | 'held'} type
   * @param {Answer} answer
   * @param {Wait} wait
   */
  async #pause(type, answer, wait) {
    await this.#queue.settle([], wait);
    this.#tell({ ...this.#now(type, answer), until: wait.since + wait.forMs });
  }

  /**
   * A wait between these bounds. Unless the server itself asked for it, it ends with the
   * network's return.
   *
   * @param {import('./back_off.js').Bounds} between
   * @param {number} failures in a row before
   * @param {Answer} [answer]
   * @returns {Wait}
   */
  #drawn(between, failures, answer) {
    const isOfServer = !answer || answer.retryAfter || isProblem(answer.body);
    return {
      since: this.#clock.now(),
      forMs: drawnMs(between, this.#random),
      failures: failures + 1,
      because: isOfServer ? 'server' : 'network',
    };
  }

  /**
   * Milliseconds of a wait that are left. A clock that was set never makes them more.
   *
   * @param {Wait | undefined} wait
   */
  #leftOf(wait) {
    const past = wait ? this.#clock.now() - wait.since : 0;
    const most = 1_000 * (LONGEST_RETRY_AFTER_S + LONGEST_SPREAD_S);
    return wait && 0 <= past ? Math.min(wait.forMs - past, most) : 0;
  }

  /** @param {Item[]} batch */
  async #ask(batch) {
    this.#request = new AbortController();
    const answer = await ask(this.#server, this.#key, batch, {
      fetch: this.#fetch,
      clock: this.#clock,
      request: this.#request,
    });
    this.#request = undefined;
    return answer;
  }

  /** @param {number} ms */
  #wakeIn(ms) {
    const at = this.#clock.now() + ms;
    if (this.#isClosed || this.#wakesAt <= at) {
      return;
    }
    this.#stopTimer();
    this.#wakesAt = at;
    this.#timer = this.#clock.setTimeout(() => {
      this.#wakesAt = Infinity;
      this.#send();
    }, ms);
  }

  #stopTimer() {
    this.#clock.clearTimeout(this.#timer);
    this.#wakesAt = Infinity;
  }

  /**
   * @param {Item} item
   * @param {{ outcome: string }} result
   * @param {number} settled together with it so far
   */
  #settled({ id, report }, result, settled) {
    const waiting = this.#queue.items.length - settled;
    this.#sentByBeacon.delete(id);
    this.#tell({ type: 'settled', id, report, ...result, waiting });
  }

  /**
   * @template {'waiting' | 'held'} T
   * @param {T} type
   * @param {Answer} answer
   */
  #now(type, answer) {
    return { type, waiting: this.#queue.items.length, status: answer.status };
  }

  /** @param {any} event a {@link ClientEvent} */
  #tell(event) {
    try {
      this.#tellApp(event);
    } catch (error) {
      if (event.type !== 'failed') {
        this.#tell({ type: 'failed', error });
      }
    }
  }
}

/** 128 random bits. `crypto.randomUUID` is missing on pages without TLS. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Of all pages of an origin one sends at a time.
 *
 * @param {string} name
 * @returns {<T>(work: () => Promise<T>) => Promise<T>}
 */
function lockOfBrowser(name) {
  const locks = globalThis.navigator?.locks;
  return async (work) => (locks ? locks.request(`groundswell ${name}`, work) : work());
}
