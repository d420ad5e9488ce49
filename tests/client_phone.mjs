/**
 * A phone for tests/client.py: the client of clients/javascript with its queue in a file. It
 * takes commands as lines of JSON, and says what happens in lines of JSON.
 */

import { createInterface } from 'node:readline';
import { fileStorage } from '../clients/javascript/src/file_storage.js';
import { GroundswellClient } from '../clients/javascript/src/index.js';

const [server, queue, key] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const client = new GroundswellClient({
  server,
  key,
  storage: fileStorage(queue),
  mostWaiting: 10_000,
  // Node 20 never ends a request whose connection ended before it was written. The client
  // gives it up after 30 s; here it fails sooner.
  fetch: (address, init) => {
    const soon = AbortSignal.timeout(3_000);
    return fetch(address, { ...init, signal: AbortSignal.any([init.signal, soon]) });
  },
  // Waits as they are, and next to nothing added to them: the test would take minutes.
  random: () => 0.02 * Math.random(),
  onEvent: ({ error, ...event }) => say({ ...event, ...(error && { error: String(error) }) }),
});

say({ type: 'started', waiting: await client.start() });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.report) {
    client.report(command.report).then(
      (id) => say({ type: 'taken', id }),
      (error) => say({ type: 'failed', error: String(error) }),
    );
  } else if (command.online) {
    await client.online();
  }
}
client.close();
