/**
 * The queue: reports that wait, how long nothing may be sent, and the reporter's id, all in
 * a storage. What is in it survives a crash; what was removed never comes back.
 *
 * @module
 */

/**
 * A report that waits.
 *
 * @typedef {object} Item
 * @property {string} id the report's own, by which it is queued once
 * @property {Record<string, unknown>} report as it is sent, each time the same
 * @property {number} queuedAt milliseconds since 1970
 * @property {number} order among those of one millisecond
 */

/**
 * When to send again.
 *
 * @typedef {object} Wait
 * @property {number} since milliseconds since 1970
 * @property {number} forMs
 * @property {number} failures in a row
 * @property {'network' | 'server'} because a network that is back ends the first kind
 */

/**
 * @typedef {object} Reporter
 * @property {string} id random
 * @property {number} since when it was drawn, in milliseconds since 1970
 * @property {number} lastUsed
 */

const ITEM = 'report:';
const WAIT = 'wait';
const REPORTER = 'reporter';
/** A reporter's id is replaced after so long, so that days cannot be put together. */
const REPORTER_MS = 30 * 86_400_000;
/** A reporter counts once in so long: no id is replaced in the middle. */
const PERIOD_MS = 2 * 3_600_000;

/** See the module. */
export class Queue {
  /** @type {import('./memory_storage.js').Storage} */
  #storage;
  #order = 0;
  /**
   * As of the last look.
   *
   * @type {{ items: Item[], wait: Wait | undefined, reporter: Reporter | undefined }}
   */
  #known = { items: [], wait: undefined, reporter: undefined };

  /** @param {import('./memory_storage.js').Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** All that wait, the oldest first, as of the last look. */
  get items() {
    return this.#known.items;
  }

  /** As of the last look. */
  get wait() {
    return this.#known.wait;
  }

  /** Looks into the storage: others may have changed it. */
  async look() {
    const kept = await this.#storage.read();
    const items = [...kept]
      .filter(([key]) => key.startsWith(ITEM))
      .map(([, value]) => /** @type {Item} */ (JSON.parse(value)))
      .sort((a, b) => a.queuedAt - b.queuedAt || a.order - b.order);
    const read = (/** @type {string} */ key) => JSON.parse(kept.get(key) ?? 'null') ?? undefined;
    this.#known = { items, wait: read(WAIT), reporter: read(REPORTER) };
  }

  /**
   * The reporter's id, which is random, kept, and replaced from time to time.
   *
   * @param {number} now
   * @param {() => string} drawn a new one
   * @returns {Reporter}
   */
  reporter(now, drawn) {
    const known = this.#known.reporter;
    const isOld = known && REPORTER_MS < now - known.since && PERIOD_MS < now - known.lastUsed;
    return known && !isOld
      ? { ...known, lastUsed: now }
      : { id: drawn(), since: now, lastUsed: now };
  }

  /**
   * Adds a report, and keeps the reporter that it names.
   *
   * @param {Omit<Item, 'order'>} item
   * @param {Reporter} [reporter]
   */
  async add(item, reporter) {
    const ordered = { ...item, order: this.#order++ };
    const set = new Map([[ITEM + item.id, JSON.stringify(ordered)]]);
    if (reporter) {
      set.set(REPORTER, JSON.stringify(reporter));
    }
    await this.#storage.write(set, []);
    this.#known = {
      ...this.#known,
      items: [...this.#known.items, ordered],
      reporter: reporter ?? this.#known.reporter,
    };
  }

  /** Removes all that is kept: the reports, the wait, and the reporter. */
  async forget() {
    const kept = await this.#storage.read();
    await this.#storage.write(new Map(), [...kept.keys()]);
    this.#known = { items: [], wait: undefined, reporter: undefined };
  }

  /**
   * Removes reports, and says when to send again: at once where nothing is said.
   *
   * @param {Item[]} done
   * @param {Wait} [wait]
   */
  async settle(done, wait) {
    const set = new Map(wait ? [[WAIT, JSON.stringify(wait)]] : []);
    const keys = done.map((item) => ITEM + item.id);
    await this.#storage.write(set, wait ? keys : [...keys, WAIT]);
    const ids = new Set(done.map((item) => item.id));
    const items = this.#known.items.filter((item) => !ids.has(item.id));
    this.#known = { ...this.#known, items, wait };
  }
}
