/**
 * Places that tell less than the phone knows.
 *
 * @module
 */

/** Of a degree of latitude, on a sphere of the earth's mean radius (6,371,008.8 m). */
const METRES_PER_DEGREE = 111_195;
/** So much of a square's side is the radius that holds 68 % of the square. */
const RADIUS_OF_68_PERCENT = Math.sqrt(0.68 / Math.PI);
/** A square of this side has 4 km², and its centre still names a cell of resolution 7. */
const SIDE_M = 2_000;

/**
 * Where the phone is, as the middle of the square of a fixed grid that it is in. The exact
 * position never leaves the phone then.
 *
 * @param {{ lat: number, lon: number, accuracy_m?: number }} place degrees (WGS 84), and the
 *   radius that holds the phone with a probability of 68 %
 * @param {number} [sideM] of a square
 * @returns {{ lat: number, lon: number, accuracy_m?: number }}
 */
export function roundedPlace({ lat, lon, accuracy_m }, sideM = SIDE_M) {
  const rows = Math.max(1, Math.round((180 * METRES_PER_DEGREE) / sideM));
  const row = Math.min(rows - 1, Math.floor(((lat + 90) / 180) * rows));
  const middle = -90 + ((row + 0.5) / rows) * 180;
  const around = 360 * METRES_PER_DEGREE * Math.cos((middle * Math.PI) / 180);
  const columns = Math.max(1, Math.floor(around / sideM));
  const column = Math.floor(((((lon + 180) % 360) + 360) % 360 / 360) * columns);
  const rounded = {
    lat: toFourDecimals(middle),
    lon: toFourDecimals(-180 + ((column + 0.5) / columns) * 360),
  };
  if (accuracy_m === undefined || !(0 < accuracy_m)) {
    return rounded;
  }
  return {
    ...rounded,
    accuracy_m: Math.ceil(Math.hypot(accuracy_m, RADIUS_OF_68_PERCENT * sideM)),
  };
}

/** @param {number} degrees */
function toFourDecimals(degrees) {
  return Math.round(degrees * 10_000) / 10_000;
}
