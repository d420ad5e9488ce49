/**
 * What a client does with each answer: a pure function, checked against clients/vectors.
 * It knows no queue, no clock and no network.
 *
 * @module
 */

/**
 * What was sent.
 *
 * @typedef {object} Sent
 * @property {'one' | 'batch'} kind to `/v1/reports`, or to `/v1/reports/batch`
 * @property {number} items reports in the body
 * @property {string[]} [parameters] names in the query
 * @property {boolean} [sentAt] whether the clock on sending was told, in either way
 */

/**
 * What was answered.
 *
 * @typedef {object} Answer
 * @property {number} status 0 where none came: a lost connection, a timeout
 * @property {unknown} [body] the JSON of an answer that says it is JSON
 * @property {string | null} [retryAfter] the header of that name
 */

/**
 * What became of one report.
 *
 * @typedef {object} ItemResult
 * @property {string} outcome a word of the server's; later versions may have more
 * @property {'remove' | 'drop' | 'keep'} then `drop`: it was at fault; `keep`: send it again
 * @property {string} [code]
 * @property {string} [field] at fault
 * @property {string} [expected] of that field
 * @property {string} [warning] what the app should change
 */

/**
 * What to do. `repeat`, `hold` and `hold_for_key` keep every report.
 *
 * @typedef {{ does: 'settle', items: ItemResult[], test?: true }
 *   | { does: 'drop', code: string, field?: string, expected?: string }
 *   | { does: 'repeat', retry_after_s: number, new_connection?: true }
 *   | { does: 'repeat_with_sent_at' }
 *   | { does: 'split' }
 *   | { does: 'one_by_one' }
 *   | { does: 'send_without', parameters: string[] }
 *   | { does: 'hold' }
 *   | { does: 'hold_for_key' }} Verdict
 */

/**
 * What to do with an answer.
 *
 * @param {Sent} sent
 * @param {Answer} answer
 * @param {number} [nowMs] for a `Retry-After` that is a date
 * @returns {Verdict}
 */
export function judge(sent, answer, nowMs = Date.now()) {
  const { status } = answer;
  const body = objectOf(answer.body);
  const repeat = () => repetition(answer, nowMs);
  if (200 <= status && status < 300) {
    // A page for logging in to a Wi-Fi is answered 200 as well: it has none of our fields.
    return settled(sent, body) ?? repeat();
  }
  if (status < 400 || 500 <= status || body.retryable === true) {
    return repeat();
  }
  switch (status) {
    case 400:
      return ofBadRequest(sent, body, repeat);
    case 403:
      if (sent.kind === 'one' && faultsOf(body).some(({ field }) => field === 'provider')) {
        return dropped(body, 'forbidden');
      }
    // What else a key may not do, it may do for no report.
    case 401:
      // Without a code it is a proxy's, which may let us pass later.
      return { does: textOf(body.code) ? 'hold_for_key' : 'hold' };
    case 408:
    case 425:
    case 429:
      return repeat();
    case 413:
      return 1 < sent.items ? { does: 'split' } : dropped(body, 'too_large');
    case 431:
      return { ...repeat(), new_connection: true };
    default:
      return { does: 'hold' };
  }
}

/**
 * @param {Sent} sent
 * @param {Record<string, unknown>} body
 * @param {() => Verdict & { does: 'repeat' }} repeat
 * @returns {Verdict}
 */
function ofBadRequest(sent, body, repeat) {
  const code = textOf(body.code);
  const fields = faultsOf(body).map((fault) => textOf(fault.field) ?? '');
  const parameters = sent.parameters ?? [];
  const named = fields.filter((field) => parameters.includes(field));
  if (code === undefined || code === 'malformed_request') {
    return { ...repeat(), new_connection: true };
  }
  if (code === 'unknown_parameter' || code === 'repeated_parameter') {
    // Where we sent none, something on the way adds them.
    const without = named.length ? named : parameters;
    return without.length ? { does: 'send_without', parameters: without } : { does: 'hold' };
  }
  if (code === 'invalid_value' && named.length) {
    return { does: 'send_without', parameters: named };
  }
  if (code === 'in_future' && sent.kind === 'one' && !sent.sentAt) {
    return { does: 'repeat_with_sent_at' };
  }
  return 1 < sent.items ? { does: 'one_by_one' } : dropped(body, code);
}

/**
 * What became of each report; none where the body says nothing of that.
 *
 * @param {Sent} sent
 * @param {Record<string, unknown>} body
 * @returns {Verdict | undefined}
 */
function settled(sent, body) {
  const test = body.test === true ? { test: /** @type {const} */ (true) } : {};
  if (sent.kind === 'one') {
    return textOf(body.outcome)
      ? { does: 'settle', items: [resultOf(body)], ...test }
      : undefined;
  }
  if (!Array.isArray(body.results) || !Number.isInteger(body.counted)) {
    return undefined;
  }
  // Those that are not listed are counted.
  const items = Array.from({ length: sent.items }, () => resultOf({ outcome: 'counted' }));
  for (const result of body.results.map(objectOf)) {
    const { index } = result;
    if (typeof index === 'number' && items[index] && textOf(result.outcome)) {
      items[index] = resultOf(result);
    }
  }
  return { does: 'settle', items, ...test };
}

/**
 * @param {Record<string, unknown>} result
 * @returns {ItemResult}
 */
function resultOf(result) {
  const outcome = /** @type {string} */ (result.outcome);
  const isFaulty = outcome === 'rejected';
  const then = result.retryable === true ? 'keep' : isFaulty ? 'drop' : 'remove';
  return { outcome, then, ...texts(result, ['code', 'field', 'expected', 'warning']) };
}

/**
 * @param {Record<string, unknown>} body
 * @param {string} code where the body has none
 * @returns {Verdict}
 */
function dropped(body, code) {
  const [first] = faultsOf(body);
  const fault = first ? texts(first, ['field', 'expected']) : {};
  return { does: 'drop', code: textOf(body.code) ?? code, ...fault };
}

/**
 * @param {Answer} answer
 * @param {number} nowMs
 * @returns {Verdict & { does: 'repeat' }}
 */
function repetition(answer, nowMs) {
  return { does: 'repeat', retry_after_s: secondsOf(answer.retryAfter, nowMs) };
}

/**
 * The seconds of a `Retry-After`: a number of them, or a date. 0 where it is neither.
 *
 * @param {string | null | undefined} text
 * @param {number} nowMs
 * @returns {number}
 */
function secondsOf(text, nowMs) {
  const trimmed = text?.trim() ?? '';
  if (/^\d+$/.test(trimmed)) {
    return Number(trimmed);
  }
  const dateMs = Date.parse(trimmed);
  return Number.isNaN(dateMs) ? 0 : Math.max(0, Math.ceil((dateMs - nowMs) / 1000));
}

/**
 * @param {Record<string, unknown>} body
 * @returns {Record<string, unknown>[]}
 */
function faultsOf(body) {
  return Array.isArray(body.errors) ? body.errors.map(objectOf) : [];
}

/**
 * The texts of those names that are there.
 *
 * @param {Record<string, unknown>} from
 * @param {string[]} names
 * @returns {Record<string, string>}
 */
function texts(from, names) {
  const found = names.map((name) => [name, textOf(from[name])]);
  return Object.fromEntries(found.filter(([, text]) => text !== undefined));
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function objectOf(value) {
  return typeof value === 'object' && value !== null
    ? /** @type {Record<string, unknown>} */ (value)
    : {};
}

/**
 * @param {unknown} value
 * @returns {string | undefined}
 */
function textOf(value) {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
