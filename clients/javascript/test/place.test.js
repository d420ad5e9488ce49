/** Rounded places: near enough, never exact. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundedPlace } from '../src/index.js';
import { randomFrom } from '../test_support/fake.js';

const PLACES = 20_000;

function metresBetween(a, b) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const half = (degrees) => Math.sin(radians(degrees) / 2) ** 2;
  const share =
    half(a.lat - b.lat) + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * half(a.lon - b.lon);
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(share));
}

test('a place moves by less than its square, and two thirds of them by its radius', () => {
  const random = randomFrom(1);
  let within = 0;
  for (let n = 0; n < PLACES; n++) {
    const lat = (180 / Math.PI) * Math.asin(0.999 * (2 * random() - 1));
    const place = { lat, lon: 360 * random() - 180, accuracy_m: 20 };
    const rounded = roundedPlace(place);
    const metres = metresBetween(place, rounded);
    assert.ok(metres < 1_500, `${metres} m at ${JSON.stringify(place)}`);
    within += metres <= rounded.accuracy_m ? 1 : 0;
    assert.ok(930 < rounded.accuracy_m && rounded.accuracy_m <= 1_000, 'resolution 7');
  }
  assert.ok(0.66 < within / PLACES && within / PLACES < 0.7, `${within / PLACES}`);
});

test('all places of a square become the same, and a rounded one stays where it is', () => {
  const corner = roundedPlace({ lat: 43.6532, lon: -79.3832, accuracy_m: 10 });
  for (const [north, east] of [[0.001, 0], [0, 0.001], [-0.001, -0.001], [0, 0]]) {
    const place = { lat: corner.lat + north, lon: corner.lon + east, accuracy_m: 10 };
    assert.deepEqual(roundedPlace(place), corner);
  }
});

test('the edges of the map are places, too', () => {
  for (const [lat, lon] of [[90, 0], [-90, 0], [0, 180], [0, -180], [90, 180], [-90, -180]]) {
    const rounded = roundedPlace({ lat, lon });
    assert.ok(Math.abs(rounded.lat) <= 90 && Math.abs(rounded.lon) <= 180);
    assert.ok(metresBetween({ lat, lon }, rounded) < 1_500);
  }
});

test('an accuracy that is not known stays unknown, and a bad one stays bad', () => {
  for (const accuracy_m of [undefined, 0, -1, NaN]) {
    assert.equal('accuracy_m' in roundedPlace({ lat: 1, lon: 2, accuracy_m }), false);
  }
  assert.equal(roundedPlace({ lat: 1, lon: 2, accuracy_m: 5_000 }).accuracy_m, 5_086);
});
