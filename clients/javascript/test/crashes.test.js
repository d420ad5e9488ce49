/** Whatever goes wrong, in whatever order: each report that was taken counts once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStorage } from '../src/memory_storage.js';
import { Bench, FakeClock, calm, randomFrom } from '../test_support/fake.js';

const SEEDS = 200;
const STEPS = 60;
const HOUR_MS = 3_600_000;

/** A server that counts a report once, as the real one does, and a network that may fail. */
class World {
  random;
  counted = new Map();
  notBefore = 0;
  early = [];
  trouble = true;

  constructor(random) {
    this.random = random;
  }

  /** Takes a batch, and says what it would answer. */
  take(items) {
    const results = [];
    items.forEach(({ id, faulty }, index) => {
      if (faulty) {
        const fault = { outcome: 'rejected', code: 'invalid_value', retryable: false };
        results.push({ index, id, ...fault });
        return;
      }
      if (this.counted.has(id)) {
        results.push({ index, id, outcome: 'duplicate' });
      }
      this.counted.set(id, 1);
    });
    return { status: 200, body: { counted: items.length - results.length, results } };
  }

  answer({ items, at }) {
    if (at < this.notBefore) {
      this.early.push(at - this.notBefore);
    }
    const lucky = this.trouble ? this.random() : 1;
    if (lucky < 0.15) {
      throw new TypeError('the request was lost');
    }
    if (lucky < 0.25) {
      this.notBefore = at + 20_000;
      return { status: 503, headers: { 'Retry-After': '20' }, body: { code: 'unavailable' } };
    }
    if (lucky < 0.3) {
      return { status: 200 };
    }
    if (lucky < 0.35 && 1 < items.length) {
      return { status: 413, body: { code: 'too_many_items' } };
    }
    if (lucky < 0.4 && 1 < items.length) {
      return { status: 400, body: { code: 'malformed_json' } };
    }
    const answer = this.take(items);
    if (lucky < 0.55) {
      throw new TypeError('the answer was lost');
    }
    return answer;
  }
}

/** A storage that dies with its process: before a write, or right after it. */
function mortal(storage, world, die) {
  const dead = () => {
    die();
    return new Promise(() => {});
  };
  return {
    read: () => storage.read(),
    write: async (set, remove) => {
      const lucky = world.trouble ? world.random() : 1;
      if (lucky < 0.03) {
        return dead();
      }
      await storage.write(set, remove);
      return lucky < 0.06 ? dead() : undefined;
    },
  };
}

/** One life of a phone after another, on one disk. */
class Phone {
  constructor(world, clock, random) {
    Object.assign(this, { world, clock, random, disk: memoryStorage(), told: new Map() });
    this.begin();
  }

  begin() {
    const life = { isAlive: true };
    this.life = life;
    const storage = mortal(this.disk, this.world, () => this.die());
    this.bench = new Bench({
      storage,
      clock: this.clock,
      random: this.random,
      onEvent: (event) => {
        assert.ok(life.isAlive, 'the dead say nothing');
        if (event.type === 'settled') {
          this.told.set(event.id, [...(this.told.get(event.id) ?? []), event.outcome]);
        }
      },
    });
    this.bench.network = async (request) => {
      assert.ok(life.isAlive, 'the dead send nothing');
      return this.world.answer(request);
    };
    return this.bench.client.start();
  }

  die() {
    this.life.isAlive = false;
    this.bench.client.close();
    // What was answered a moment ago may not be on the disk.
    this.world.notBefore = 0;
  }

  async report(report) {
    const { life } = this;
    let taken;
    this.bench.client.report(report).then(
      () => (taken = life.isAlive),
      (error) => assert.fail(error),
    );
    await calm();
    if (!life.isAlive) {
      await this.begin();
    }
    return taken === true;
  }
}

test(`each report counts once over ${SEEDS} histories of crashes and failures`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomFrom(seed);
    const clock = new FakeClock();
    const world = new World(random);
    const phone = new Phone(world, clock, random);
    const taken = new Map();
    for (let step = 0; step < STEPS; step++) {
      const lucky = random();
      if (lucky < 0.5) {
        const id = `r-${step}`;
        const faulty = random() < 0.1;
        const report = { provider: 'alpha', symptom: 'no_service', id, faulty };
        // Who was not told that a report was taken gives it again.
        while (!(await phone.report(report))) {
          await calm();
        }
        taken.set(id, faulty);
      } else if (lucky < 0.6) {
        phone.die();
        await phone.begin();
      } else if (lucky < 0.7) {
        // Who dies meanwhile never comes back from it.
        phone.bench.client.online();
        await calm();
      } else if (lucky < 0.75) {
        phone.bench.client.beacon();
        phone.bench.beacons.splice(0).forEach(({ items }) => random() < 0.5 && world.take(items));
      } else {
        await clock.advance(60_000 * random());
      }
      if (!phone.life.isAlive) {
        await phone.begin();
      }
    }
    world.trouble = false;
    if (!phone.life.isAlive) {
      await phone.begin();
    }
    await clock.advance(2 * HOUR_MS);
    assert.equal(phone.bench.client.waiting, 0, `seed ${seed}: nothing waits`);
    for (const [id, faulty] of taken) {
      assert.equal(world.counted.has(id), !faulty, `seed ${seed}: ${id} counts once`);
      const outcomes = phone.told.get(id) ?? [];
      const expected = faulty ? ['rejected'] : ['counted', 'duplicate'];
      assert.ok(0 < outcomes.length, `seed ${seed}: the end of ${id} was told`);
      assert.ok(
        outcomes.every((outcome) => expected.includes(outcome)),
        `seed ${seed}: ${id} ${outcomes}`,
      );
    }
    assert.deepEqual([...world.counted.keys()].filter((id) => !taken.has(id)), []);
    assert.deepEqual(world.early, [], `seed ${seed}: nothing was sent before Retry-After`);
  }
});

test('two pages on one storage send each report, and wait for each other', async () => {
  const clock = new FakeClock();
  const storage = memoryStorage();
  let last = Promise.resolve();
  const exclusively = (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
  let atOnce = 0;
  const counted = new Map();
  const pages = [0, 1].map(() => {
    const page = new Bench({ storage, clock, exclusively });
    page.network = async ({ items }) => {
      atOnce += 1;
      assert.equal(atOnce, 1, 'one at a time');
      await calm();
      items.forEach(({ id }) => counted.set(id, (counted.get(id) ?? 0) + 1));
      atOnce -= 1;
      return { status: 200, body: { counted: items.length, results: [] } };
    };
    return page;
  });
  const given = pages.flatMap((page, n) => [1, 2, 3].map((m) => [page, `r-${n}-${m}`]));
  await Promise.all(given.map(([page, id]) => page.report({ id })));
  await clock.advance(HOUR_MS);
  assert.deepEqual([...counted.values()], Array(6).fill(1));
  assert.equal((await storage.read()).size, 1, 'only the reporter is left');
});

