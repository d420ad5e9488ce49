/** The vectors of clients/vectors, as a client in JavaScript reads them. */

import { readFileSync, readdirSync } from 'node:fs';

const FOLDER = new URL('../../vectors/', import.meta.url);

/** All of them, each with the name of its file. */
export function vectors() {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json') && name !== 'schema.json')
    .flatMap((name) => {
      const { vectors } = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
      return vectors.map((vector) => ({ ...vector, file: name }));
    });
}

/** What was sent, as `judge` takes it. */
export function sentBy({ path = '/v1/reports', headers = {}, body, lines }) {
  const [route, query] = path.split('?');
  const parameters = [...new Set(new URLSearchParams(query).keys())];
  const isBatch = route.endsWith('/batch');
  const list = lines ?? (body?.repeat ? Array(body.times).fill(0) : body);
  return {
    kind: isBatch ? 'batch' : 'one',
    // Of a body that is no JSON nobody can count the items: more than one.
    items: !isBatch ? 1 : Array.isArray(list) ? list.length : 2,
    parameters,
    sentAt: 'Sent-At' in headers || parameters.includes('sent_at'),
  };
}

/** The headers of an answer, with dates in their places. */
export function headersOf({ headers }, nowMs) {
  const date = (_, seconds) => new Date(nowMs + 1_000 * Number(seconds)).toUTCString();
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value.replace(/\{\{date\+(\d+)s\}\}/, date),
    ]),
  );
}
