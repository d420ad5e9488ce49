/** Every vector: what the client does with an answer, alone and in the whole of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../src/answers.js';
import { bounds } from '../src/back_off.js';
import { BEGINS, Bench, FakeClock, calm } from '../test_support/fake.js';
import { headersOf, sentBy, vectors } from '../test_support/vectors.js';

const HOUR_MS = 3_600_000;

for (const vector of vectors()) {
  test(`${vector.file}: ${vector.name}: the answer is read as the vector says`, () => {
    const headers = vector.answer ? headersOf(vector.answer, BEGINS) : {};
    const answer = {
      status: vector.answer?.status ?? 0,
      body: vector.answer?.body,
      retryAfter: headers['Retry-After'],
    };
    const verdict = judge(sentBy(vector.request), answer, BEGINS);
    const { least_s, most_s, ...expected } = withTexts(vector.client, verdict);
    const { retry_after_s, ...does } = verdict;
    assert.deepEqual(does, expected);
    if (does.does === 'repeat') {
      const waits = bounds((vector.failures_before ?? 0) + 1, retry_after_s);
      assert.ok(least_s <= waits.least_s && waits.most_s <= most_s, JSON.stringify(waits));
    }
  });
}

/** `*` in a vector stands for the text of the answer. */
function withTexts(expected, got) {
  if (expected === '*') {
    assert.equal(typeof got, 'string');
    return got;
  }
  if (typeof expected !== 'object' || expected === null) {
    return expected;
  }
  const filled = Object.entries(expected).map(([key, value]) => [
    key,
    withTexts(value, got?.[key]),
  ]);
  return Array.isArray(expected) ? filled.map(([, value]) => value) : Object.fromEntries(filled);
}

/** Those that a client meets that sends batches only, and always tells the time. */
const met = vectors().filter(({ request, client }) => {
  const { kind, sentAt, items } = sentBy(request);
  return kind === 'batch' && sentAt && items <= 50 && client.does !== 'send_without';
});

for (const vector of met) {
  test(`${vector.file}: ${vector.name}: the client does what the vector says`, async () => {
    const bench = new Bench({ key: 'a-key', random: () => 0 });
    const { items } = sentBy(vector.request);
    let answered = 0;
    let say = () => {};
    bench.network = () => {
      answered += 1;
      const isFirst = answered <= 1 + (vector.failures_before ?? 0);
      const answer = isFirst ? vector.answer : { status: 404 };
      if (answer === null) {
        throw new TypeError('fetch failed');
      }
      say(answered);
      return { ...answer, headers: headersOf({ headers: {}, ...answer }, bench.clock.now()) };
    };
    await withoutNetwork(bench, items, vector.failures_before ?? 0);
    const left = bench.client.waiting;
    const settled = bench.settled();
    switch (vector.client.does) {
      case 'settle': {
        const kept = vector.client.items.filter(({ then }) => then === 'keep');
        assert.equal(left, kept.length);
        const done = vector.client.items.filter(({ then }) => then !== 'keep');
        assert.deepEqual(
          settled.map(([, outcome]) => outcome),
          done.map(({ outcome }) => outcome),
        );
        const events = bench.events.filter(({ type }) => type === 'settled');
        assert.ok(events.every(({ test }) => test === vector.client.test));
        break;
      }
      case 'repeat': {
        assert.deepEqual([left, settled], [items, []]);
        const before = bench.requests.length;
        const first = bench.requests[before - 1];
        const passed = bench.clock.now() - first.at;
        await bench.clock.advance(1_000 * vector.client.least_s - 1 - passed);
        assert.equal(bench.requests.length, before, 'not before the least time');
        await bench.clock.advance(1_000 * (vector.client.most_s - vector.client.least_s) + 2);
        assert.equal(bench.requests.length, before + 1, 'at the latest then');
        assert.deepEqual(bench.requests[before].items, first.items, 'the same bytes');
        break;
      }
      case 'split':
      case 'one_by_one': {
        assert.equal(left, items);
        const expected = vector.client.does === 'split' ? Math.ceil(items / 2) : 1;
        assert.equal(bench.requests[1].items.length, expected);
        break;
      }
      case 'hold':
        assert.deepEqual([left, settled, bench.requests.length], [items, [], 1]);
        await bench.clock.advance(HOUR_MS - 1);
        assert.equal(bench.requests.length, 1);
        await bench.clock.advance(2);
        assert.equal(bench.requests.length, 2);
        break;
      case 'hold_for_key':
        assert.deepEqual([left, settled, bench.requests.length], [items, [], 1]);
        await bench.clock.advance(24 * HOUR_MS);
        assert.equal(bench.requests.length, 1);
        await bench.client.setKey('another');
        assert.equal(bench.requests[1].headers.Authorization, 'Bearer another');
        break;
      default:
        assert.fail(`no test for ${vector.client.does}`);
    }
    assert.deepEqual(bench.failures(), []);
  });
}

/** Queues so many reports, all of them sent at once, and lets the first answers come. */
async function withoutNetwork(bench, items, failures) {
  const network = bench.network;
  let refuse;
  const together = new Promise((resolve) => (refuse = resolve));
  bench.network = async (request) => {
    // The first report sets off a request: it waits until all are queued, and fails.
    await together;
    throw new TypeError(`no network for ${request.items.length}`);
  };
  for (let n = 0; n < items; n++) {
    await bench.client.report({ provider: 'alpha', symptom: 'no_service', id: `r-${n + 1}` });
  }
  refuse();
  await calm();
  // As if it had never been asked: the vector counts from here.
  await bench.storage.write(new Map(), ['wait']);
  bench.requests.length = bench.events.length = 0;
  bench.network = network;
  await bench.client.flush();
  for (let n = 0; n < failures; n++) {
    await bench.clock.advance(bench.clock.nextIn);
  }
  await calm();
}
