/**
 * How long a client waits before it sends again. Thousands of phones lose the same server
 * in the same second: what they wait differs at random.
 *
 * @module
 */

/** After the first failure. It doubles with each further one. */
export const FIRST_S = 2;
/** Doubling ends here. */
export const LONGEST_BACK_OFF_S = 300;
/** The longest `Retry-After` that is believed: a quota of a day comes back at midnight. */
export const LONGEST_RETRY_AFTER_S = 86_400;
/** The longest random part. */
export const LONGEST_SPREAD_S = 600;
/** After an answer that calls for another address or version of the app. */
export const HOLD_S = 3_600;
/** Reports that waited for the network are sent at a random moment of so many seconds. */
export const RETURN_SPREAD_S = 60;

/**
 * A wait, in seconds.
 *
 * @typedef {{ least_s: number, most_s: number }} Bounds
 */

/**
 * The bounds of the wait after so many failures in a row.
 *
 * @param {number} failures 1 after the first
 * @param {number} [retryAfterS] what the server asked for: a least time
 * @returns {Bounds}
 */
export function bounds(failures, retryAfterS = 0) {
  const backOff = Math.min(FIRST_S * 2 ** (failures - 1), LONGEST_BACK_OFF_S);
  return spread(Math.max(backOff, Math.min(retryAfterS, LONGEST_RETRY_AFTER_S)));
}

/**
 * The bounds of a wait of at least so many seconds: a random share is added.
 *
 * @param {number} leastS
 * @returns {Bounds}
 */
export function spread(leastS) {
  return { least_s: leastS, most_s: leastS + Math.min(leastS, LONGEST_SPREAD_S) };
}

/**
 * A moment within the bounds, in whole milliseconds.
 *
 * @param {Bounds} between
 * @param {() => number} random from 0 up to 1
 * @returns {number}
 */
export function drawnMs(between, random) {
  return Math.round(1_000 * (between.least_s + random() * (between.most_s - between.least_s)));
}
