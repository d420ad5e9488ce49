/** Whatever is answered, a client knows what to do. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../src/answers.js';
import { randomFrom } from '../test_support/fake.js';

const ANSWERS = 30_000;
const DOES = [
  ...['settle', 'drop', 'repeat', 'repeat_with_sent_at', 'split', 'one_by_one'],
  ...['send_without', 'hold', 'hold_for_key'],
];
const THEN = ['remove', 'drop', 'keep'];
const STATUSES = [200, 202, 400, 401, 413, 429, 503];
const NAMES = [
  ...['code', 'retryable', 'errors', 'outcome', 'results', 'counted', 'index', 'field', 'test'],
  ...['length', '__proto__', 'constructor', 'other'],
];
const TEXTS = ['', 'counted', 'rejected', 'malformed_json', 'unknown_parameter', 'length', 'x'];
const SCALARS = [null, true, false, 0, 1, -1, 1.5, 1e300, ...TEXTS];
const RETRY_AFTER = [undefined, null, '', '0', '30', '-1', '1e9', 'soon', '99999999999999999999'];

test(`each of ${ANSWERS} answers, most of them nonsense, is followed by something known`, () => {
  const random = randomFrom(1);
  const one = (list) => list[Math.floor(random() * list.length)];
  const value = (depth) => {
    const lucky = random();
    if (depth === 0 || lucky < 0.4) {
      return one(SCALARS);
    }
    const parts = Array.from({ length: Math.floor(4 * random()) }, () => value(depth - 1));
    return lucky < 0.6 ? parts : Object.fromEntries(parts.map((part) => [one(NAMES), part]));
  };
  for (let n = 0; n < ANSWERS; n++) {
    const kind = one(['one', 'batch']);
    const items = kind === 'one' ? 1 : 1 + Math.floor(3 * random());
    const parameters = one([undefined, [], ['sent_at']]);
    const sent = { kind, items, parameters, sentAt: one([true, false]) };
    const status = random() < 0.5 ? one(STATUSES) : Math.floor(700 * random());
    const answer = { status, body: value(3), retryAfter: one(RETRY_AFTER) };
    const verdict = judge(sent, answer, 0);
    const shown = JSON.stringify({ sent, answer, verdict });
    assert.ok(DOES.includes(verdict.does), shown);
    if (verdict.does === 'settle') {
      assert.equal(verdict.items.length, items, shown);
      assert.ok(
        verdict.items.every(({ outcome, then }) => outcome && THEN.includes(then)),
        shown,
      );
    }
    if (verdict.does === 'repeat') {
      assert.ok(0 <= verdict.retry_after_s, shown);
    }
    assert.ok(verdict.does !== 'send_without' || verdict.parameters.length, shown);
    assert.ok(verdict.does !== 'drop' || items === 1, `nothing is dropped with others: ${shown}`);
    assert.ok(!['split', 'one_by_one'].includes(verdict.does) || 1 < items, shown);
  }
});
