/** What the client does over time, sentence by sentence. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueueFull, attach } from '../src/index.js';
import { memoryStorage } from '../src/memory_storage.js';
import { BEGINS, Bench, COUNTED, FakeClock, SERVER, calm } from '../test_support/fake.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const away = () => {
  throw new TypeError('fetch failed');
};

test('a report is sent at once with time, id and reporter, and leaves the queue', async () => {
  const bench = new Bench();
  const id = await bench.report({ lat: 43.65, lon: -79.38 });
  const [{ address, headers, items, init }] = bench.requests;
  assert.equal(address, `${SERVER}/v1/reports/batch`);
  assert.equal(headers['Sent-At'], '2026-11-30T12:00:00.000Z');
  assert.equal(headers.Authorization, undefined);
  assert.match(items[0].reporter_id, /^[0-9a-f]{32}$/);
  assert.deepEqual(items, [
    {
      provider: 'alpha',
      symptom: 'no_service',
      lat: 43.65,
      lon: -79.38,
      observed_at: '2026-11-30T12:00:00.000Z',
      reporter_id: items[0].reporter_id,
      id,
    },
  ]);
  assert.equal(init.credentials, 'omit');
  assert.deepEqual(bench.settled(), [[id, 'counted']]);
  assert.equal(bench.events[0].waiting, 0);
  assert.equal((await bench.storage.read()).has(`report:${id}`), false);
});

test('what the app gives is sent as it is', async () => {
  const bench = new Bench({ key: 'gsk_x' });
  const given = { observed_at: '2026-11-30T11:00:00Z', reporter_id: 'me', id: 'r-1' };
  assert.equal(await bench.report(given), 'r-1');
  assert.deepEqual(bench.requests[0].items[0], {
    provider: 'alpha',
    symptom: 'no_service',
    ...given,
  });
  assert.equal(bench.requests[0].headers.Authorization, 'Bearer gsk_x');
});

test('a blank time is replaced: without one a report would count anew each time', async () => {
  for (const observed_at of [undefined, null, '']) {
    const bench = new Bench();
    await bench.report({ observed_at });
    assert.equal(bench.requests[0].items[0].observed_at, '2026-11-30T12:00:00.000Z');
  }
});

test('a report whose id waits is not taken again', async () => {
  const bench = new Bench();
  bench.network = away;
  await bench.report({ id: 'r-1', symptom: 'no_data' });
  await bench.report({ id: 'r-1', symptom: 'no_calls' });
  bench.network = () => COUNTED;
  await bench.clock.advance(MINUTE_MS);
  assert.deepEqual(
    bench.requests.at(-1).items.map(({ id, symptom }) => [id, symptom]),
    [['r-1', 'no_data']],
  );
});

test('the queue has a bound, and refuses what is beyond', async () => {
  const bench = new Bench({ mostWaiting: 2 });
  bench.network = away;
  await bench.report({ id: 'r-1' });
  await bench.report({ id: 'r-2' });
  await assert.rejects(bench.report({ id: 'r-3' }), QueueFull);
  await bench.report({ id: 'r-2' });
  assert.equal(bench.client.waiting, 2);
});

test('a report that no server takes is refused at once', async () => {
  const bench = new Bench();
  await assert.rejects(bench.report({ note: 'x'.repeat(60_000) }), RangeError);
  assert.equal(bench.client.waiting, 0);
});

test('at most fifty are sent at once, in the order in which they came', async () => {
  const bench = new Bench();
  bench.network = away;
  for (let n = 0; n < 120; n++) {
    await bench.client.report({ provider: 'alpha', symptom: 'no_service', id: `r-${n}` });
  }
  bench.network = () => COUNTED;
  bench.requests.length = 0;
  await bench.clock.advance(MINUTE_MS);
  assert.deepEqual(
    bench.requests.map(({ items }) => items.length),
    [50, 50, 20],
  );
  const ids = bench.requests.flatMap(({ items }) => items.map(({ id }) => id));
  assert.deepEqual(ids, Array.from({ length: 120 }, (_, n) => `r-${n}`));
});

test('a server that takes fewer is sent fewer', async () => {
  const bench = new Bench();
  bench.network = away;
  for (let n = 0; n < 20; n++) {
    await bench.client.report({ provider: 'alpha', symptom: 'no_service', id: `r-${n}` });
  }
  bench.network = ({ items }) => (5 < items.length ? { status: 413 } : COUNTED);
  bench.requests.length = 0;
  await bench.clock.advance(MINUTE_MS);
  assert.deepEqual(
    bench.requests.map(({ items }) => items.length),
    [20, 10, 5, 5, 5, 5],
  );
  assert.equal(bench.client.waiting, 0);
});

test('the one at fault is found, told, and the others count', async () => {
  const bench = new Bench();
  bench.network = away;
  for (const id of ['r-1', 'bad', 'r-3']) {
    await bench.report({ id });
  }
  const isBad = ({ id }) => id === 'bad';
  const problem = { code: 'malformed_json', retryable: false, errors: [] };
  bench.network = ({ items }) => (items.some(isBad) ? { status: 400, body: problem } : COUNTED);
  bench.events.length = 0;
  await bench.clock.advance(MINUTE_MS);
  assert.deepEqual(bench.settled(), [
    ['r-1', 'counted'],
    ['bad', 'rejected'],
    ['r-3', 'counted'],
  ]);
  assert.equal(bench.events[1].code, 'malformed_json');
});

test('what an item was answered reaches the app whole', async () => {
  const bench = new Bench();
  const fault = { code: 'invalid_value', field: 'lat', expected: '-90..=90', retryable: false };
  const results = [{ index: 0, id: 'r-1', outcome: 'rejected', ...fault }];
  bench.network = () => ({ status: 200, body: { ...COUNTED.body, results, test: true } });
  await bench.report({ id: 'r-1', lat: 91 });
  const { report, ...event } = bench.events[0];
  assert.equal(report.lat, 91);
  const { retryable, ...told } = fault;
  const common = { type: 'settled', id: 'r-1', outcome: 'rejected', test: true, waiting: 0 };
  assert.deepEqual(event, { ...common, ...told });
});

test('the wait doubles with each failure, and is drawn at random', async () => {
  for (const [random, expected] of [
    [0, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]],
    [0.999999, [4, 8, 16, 32, 64, 128, 256, 512, 600, 600]],
  ]) {
    const bench = new Bench({ random: () => random });
    bench.network = away;
    await bench.report();
    const waits = [];
    for (let n = 0; n < 10; n++) {
      waits.push(Math.round(bench.clock.nextIn / 1_000));
      await bench.clock.advance(bench.clock.nextIn);
    }
    assert.deepEqual(waits, expected);
  }
});

test('a success ends the doubling', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = away;
  await bench.report();
  await bench.clock.advance(2_000);
  bench.network = () => COUNTED;
  await bench.clock.advance(4_000);
  bench.network = away;
  await bench.report();
  assert.equal(bench.clock.nextIn, 2_000);
});

test('a new report does not cut short what the server asked for', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = () => ({ status: 429, headers: { 'Retry-After': '30' } });
  await bench.report();
  await bench.report();
  await bench.client.flush();
  await bench.client.online();
  await bench.clock.advance(29_999);
  assert.equal(bench.requests.length, 1);
  await bench.clock.advance(1);
  assert.deepEqual(
    bench.requests.map(({ items }) => items.length),
    [1, 2],
  );
});

test('a wait that the server asked for goes on after a restart', async () => {
  const storage = memoryStorage();
  const clock = new FakeClock();
  const before = new Bench({ storage, clock, random: () => 0 });
  before.network = () => ({ status: 503, headers: { 'Retry-After': '600' } });
  await before.report();
  before.client.close();
  const after = new Bench({ storage, clock, random: () => 0 });
  assert.equal(await after.client.start(), 1);
  await clock.advance(599_999);
  assert.equal(after.requests.length, 0);
  await clock.advance(1);
  assert.equal(after.requests.length, 1);
});

test('a clock that is set back never makes a wait longer than a day', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = () => ({ status: 503, headers: { 'Retry-After': '600' } });
  await bench.report();
  bench.clock.set(BEGINS - 365 * DAY_MS);
  await bench.client.flush();
  assert.equal(bench.requests.length, 2);
});

test('the network that is back ends a wait within a minute, at random', async () => {
  for (const [random, expected] of [
    [0, 0],
    [0.5, 30_000],
  ]) {
    const bench = new Bench({ random: () => random });
    bench.network = away;
    await bench.report();
    for (let n = 0; n < 8; n++) {
      await bench.clock.advance(bench.clock.nextIn);
    }
    assert.ok(200_000 < bench.clock.nextIn);
    await bench.client.online();
    assert.equal(bench.clock.nextIn, expected);
    bench.network = () => COUNTED;
    await bench.clock.advance(expected);
    assert.equal(bench.client.waiting, 0);
  }
});

test('the network that is back while a request is under way begins the doubling anew', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = away;
  await bench.report();
  await bench.clock.advance(130_000);
  assert.ok(100_000 < bench.clock.nextIn);
  let lose;
  bench.network = () => new Promise((_, reject) => (lose = reject));
  await bench.clock.advance(bench.clock.nextIn);
  await bench.client.online();
  await bench.clock.advance(0);
  lose(new TypeError('fetch failed'));
  await calm();
  assert.equal(bench.clock.nextIn, 2_000);
});

test('a page for logging in to a Wi-Fi ends with the network, too', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = () => ({ status: 403 });
  await bench.report();
  assert.equal(bench.events[0].type, 'held');
  bench.network = () => COUNTED;
  await bench.client.online();
  await bench.clock.advance(0);
  assert.deepEqual(bench.settled().length, 1);
});

test('what waited at a start is sent within a minute, at random', async () => {
  const storage = memoryStorage();
  const before = new Bench({ storage });
  before.network = away;
  await before.report({ id: 'r-1' });
  before.client.close();
  const clock = new FakeClock(BEGINS + DAY_MS);
  const after = new Bench({ storage, clock, random: () => 0.25 });
  assert.equal(await after.client.start(), 1);
  await clock.advance(14_999);
  assert.equal(after.requests.length, 0);
  await clock.advance(1);
  assert.deepEqual(after.settled(), [['r-1', 'counted']]);
  assert.equal(after.requests[0].items[0].observed_at, '2026-11-30T12:00:00.000Z');
});

test('a key that is refused stops everything until there is another', async () => {
  const bench = new Bench({ key: 'old' });
  const problem = { code: 'unauthenticated', retryable: false, errors: [] };
  bench.network = ({ headers }) =>
    headers.Authorization === 'Bearer new' ? COUNTED : { status: 401, body: problem };
  await bench.report({ id: 'r-1' });
  await bench.report({ id: 'r-2' });
  await bench.client.online();
  await bench.clock.advance(DAY_MS);
  assert.equal(bench.requests.length, 1);
  assert.equal(bench.client.beacon(), 0);
  assert.deepEqual(bench.events, [{ type: 'held', waiting: 1, status: 401, until: undefined }]);
  await bench.client.setKey('new');
  assert.deepEqual(bench.settled(), [
    ['r-1', 'counted'],
    ['r-2', 'counted'],
  ]);
});

test('a report that no server takes any more is dropped after 48 hours, and told', async () => {
  const bench = new Bench();
  bench.network = away;
  await bench.report({ id: 'r-1' });
  await bench.clock.advance(2 * DAY_MS - 1);
  assert.equal(bench.client.waiting, 1);
  await bench.clock.advance(20 * MINUTE_MS);
  assert.deepEqual(bench.settled(), [['r-1', 'expired']]);
  assert.equal(bench.client.waiting, 0);
});

test('a request without an answer is given up after half a minute', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = ({ init: { signal } }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  await bench.report();
  await bench.clock.advance(29_999);
  assert.deepEqual(bench.events, []);
  await bench.clock.advance(1);
  const until = BEGINS + 32_000;
  assert.deepEqual(bench.events, [{ type: 'waiting', waiting: 1, status: 0, until }]);
});

test('an answer that breaks off in the middle is none', async () => {
  const cut = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode('{"counted": 1, "resu'));
      controller.error(new Error('cut'));
    },
  });
  const headers = { 'Content-Type': 'application/json' };
  const bench = new Bench({ fetch: async () => new Response(cut, { status: 200, headers }) });
  await bench.report();
  assert.equal(bench.client.waiting, 1);
  assert.equal(bench.events[0].type, 'waiting');
});

test('an item that is to be sent again stays, and waits', async () => {
  const bench = new Bench({ random: () => 0 });
  const later = [{ index: 0, outcome: 'deferred', retryable: true }];
  bench.network = () => ({ status: 200, body: { ...COUNTED.body, results: later } });
  await bench.report({ id: 'r-1' });
  assert.deepEqual([bench.client.waiting, bench.requests.length], [1, 1]);
  bench.network = () => COUNTED;
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.settled(), [['r-1', 'counted']]);
});

test('the reporter stays for thirty days, and is never replaced within two hours', async () => {
  const bench = new Bench();
  const reporter = async () => {
    await bench.report();
    return bench.requests.at(-1).items[0].reporter_id;
  };
  const first = await reporter();
  assert.equal(await reporter(), first);
  await bench.clock.advance(30 * DAY_MS - MINUTE_MS);
  assert.equal(await reporter(), first);
  await bench.clock.advance(2 * MINUTE_MS);
  assert.equal(await reporter(), first, 'a report came two minutes before');
  await bench.clock.advance(3 * 60 * MINUTE_MS);
  assert.notEqual(await reporter(), first);
});

test('a beacon carries the time and the key, and what it took is still sent', async () => {
  const bench = new Bench({ key: 'gsk_x', random: () => 0 });
  let answer;
  bench.network = () => new Promise((resolve) => (answer = resolve));
  await bench.report({ id: 'r-1' });
  assert.equal(bench.client.beacon(), 1);
  assert.equal(bench.client.beacon(), 0, 'once');
  const [{ address, items }] = bench.beacons;
  assert.equal(address.pathname, '/v1/reports/batch');
  assert.deepEqual(
    [...address.searchParams],
    [
      ['sent_at', '2026-11-30T12:00:00.000Z'],
      ['key', 'gsk_x'],
    ],
  );
  assert.deepEqual(items, bench.requests[0].items);
  answer({ status: 200, body: { ...COUNTED.body, results: [{ index: 0, outcome: 'duplicate' }] } });
  await calm();
  assert.deepEqual(bench.settled(), [['r-1', 'duplicate']]);
});

test('a beacon respects what the server asked for, and the 64 KiB of browsers', async () => {
  const bench = new Bench();
  bench.network = () => ({ status: 429, headers: { 'Retry-After': '30' } });
  await bench.report();
  assert.equal(bench.client.beacon(), 0);
  const large = new Bench();
  large.network = () => new Promise(() => {});
  for (let n = 0; n < 10; n++) {
    await large.client.report({ provider: 'alpha', symptom: 'other', note: 'é'.repeat(4_000) });
  }
  const taken = large.client.beacon();
  assert.ok(1 <= taken && taken < 10);
  assert.ok(new TextEncoder().encode(JSON.stringify(large.beacons[0].items)).length < 65_536);
});

test('a page tells when the network is back, when it is shown, and when it goes', async () => {
  const told = [];
  const tell = (name) => async () => told.push(name);
  const client = { online: tell('online'), flush: tell('flush'), beacon: tell('beacon') };
  const window = Object.assign(new EventTarget(), { document: new EventTarget() });
  const detach = attach(client, window);
  const show = (state) => {
    window.document.visibilityState = state;
    window.document.dispatchEvent(new Event('visibilitychange'));
  };
  window.dispatchEvent(new Event('online'));
  show('hidden');
  show('visible');
  window.dispatchEvent(new Event('pagehide'));
  assert.deepEqual(told, ['online', 'beacon', 'flush', 'beacon']);
  detach();
  window.dispatchEvent(new Event('online'));
  assert.equal(told.length, 4);
});

test('a callback that throws stops nothing', async () => {
  let told = 0;
  const bench = new Bench({
    onEvent: () => {
      told += 1;
      throw new Error('of the app');
    },
  });
  await bench.report();
  await bench.report();
  assert.equal(bench.client.waiting, 0);
  assert.equal(told, 4, 'each outcome, and each fault of the callback');
});

test('a storage that fails takes no report, and loses none', async () => {
  const storage = memoryStorage();
  let isBroken = false;
  const failing = {
    read: () => storage.read(),
    write: async (set, remove) => {
      if (isBroken) {
        throw new Error('the disk is full');
      }
      await storage.write(set, remove);
    },
  };
  const bench = new Bench({ storage: failing, random: () => 0 });
  bench.network = async () => {
    isBroken = true;
    return COUNTED;
  };
  await bench.report({ id: 'r-1' });
  await assert.rejects(bench.report({ id: 'r-2' }), /disk is full/);
  assert.equal(bench.failures().length, 1);
  isBroken = false;
  bench.network = () => COUNTED;
  await bench.clock.advance(300_000);
  assert.equal(bench.client.waiting, 0);
  assert.ok(bench.settled().every(([id]) => id === 'r-1'));
});

test('who takes the consent back leaves neither reports nor a reporter behind', async () => {
  const bench = new Bench({ random: () => 0 });
  bench.network = away;
  await bench.report();
  const { reporter_id } = bench.requests[0].items[0];
  await bench.client.forget();
  await bench.clock.advance(DAY_MS);
  assert.deepEqual([bench.requests.length, bench.client.waiting, bench.settled()], [1, 0, []]);
  assert.equal((await bench.storage.read()).size, 0);
  bench.network = () => COUNTED;
  await bench.report();
  assert.notEqual(bench.requests[1].items[0].reporter_id, reporter_id);
});

test('a client that is closed sends nothing any more', async () => {
  const bench = new Bench();
  bench.network = away;
  await bench.report();
  bench.client.close();
  await bench.clock.advance(DAY_MS);
  assert.equal(bench.requests.length, 1);
});
