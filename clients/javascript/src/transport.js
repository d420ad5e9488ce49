/**
 * How batches travel: as a request whose answer is waited for, or as a beacon without one.
 *
 * @module
 */

const BATCH_PATH = '/v1/reports/batch';
/** A server answers within 10 s; a phone's network adds to that. */
const ANSWERED_WITHIN_MS = 30_000;
/** Browsers take 64 KiB for all beacons together. */
const MOST_BEACON_BYTES = 60_000;
/** Bytes in UTF-8 of each unit of a text's length at most. */
const MOST_BYTES_PER_UNIT = 3;

/**
 * The time, as a client needs it.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(wake: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 *
 * @typedef {import('./queue.js').Item} Item
 */

/**
 * The body of a batch: the same bytes each time.
 *
 * @param {Item[]} items
 * @returns {string}
 */
export function bodyOf(items) {
  return JSON.stringify(items.map((item) => item.report));
}

/**
 * Sends a batch, and waits for its answer. Never follows a redirect: a report that becomes a
 * GET is lost.
 *
 * @param {string} server
 * @param {string | undefined} key
 * @param {Item[]} items
 * @param {{ fetch: typeof fetch, clock: Clock, request: AbortController }} means
 * @returns {Promise<import('./answers.js').Answer>}
 */
export async function ask(server, key, items, { fetch, clock, request }) {
  const timer = clock.setTimeout(() => request.abort(), ANSWERED_WITHIN_MS);
  try {
    const response = await fetch(server + BATCH_PATH, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Sent-At': new Date(clock.now()).toISOString(),
        ...(key !== undefined && { Authorization: `Bearer ${key}` }),
      },
      body: bodyOf(items),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'manual',
      referrerPolicy: 'no-referrer',
      signal: request.signal,
    });
    return {
      status: response.status,
      retryAfter: response.headers.get('Retry-After'),
      body: await jsonOf(response),
    };
  } catch {
    return { status: 0 };
  } finally {
    clock.clearTimeout(timer);
  }
}

/**
 * The JSON of an answer that says it is JSON; of no other.
 *
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
async function jsonOf(response) {
  if (!/[/+]json\b/i.test(response.headers.get('Content-Type') ?? '')) {
    await response.body?.cancel();
    return undefined;
  }
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether a body is an error of the server's, and of nothing in between.
 *
 * @param {unknown} body
 * @returns {boolean}
 */
export function isProblem(body) {
  return typeof body === 'object' && body !== null && 'code' in body;
}

/**
 * Where to send a beacon. It has no headers, so the query says what they would.
 *
 * @param {string} server
 * @param {string | undefined} key one that is bound to origins
 * @param {number} nowMs
 * @returns {string}
 */
export function beaconAddress(server, key, nowMs) {
  const query = new URLSearchParams({ sent_at: new Date(nowMs).toISOString() });
  if (key !== undefined) {
    query.set('key', key);
  }
  return `${server}${BATCH_PATH}?${query}`;
}

/**
 * As many of the first as a browser takes in one beacon.
 *
 * @param {Item[]} items
 * @returns {Item[]}
 */
export function firstOfBeacon(items) {
  let bytes = 2;
  const end = items.findIndex((item) => {
    bytes += MOST_BYTES_PER_UNIT * JSON.stringify(item.report).length + 1;
    return MOST_BEACON_BYTES < bytes;
  });
  return end < 0 ? items : items.slice(0, end);
}

/** @returns {((url: string, body: string) => boolean) | undefined} */
export function beaconOfBrowser() {
  return globalThis.navigator && 'sendBeacon' in globalThis.navigator
    ? (url, body) => globalThis.navigator.sendBeacon(url, body)
    : undefined;
}
