/** What every storage keeps, and what a file is after a crash. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileStorage } from '../src/file_storage.js';
import { memoryStorage } from '../src/memory_storage.js';

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'groundswell-client-'))));
after(() => rm(folder, { recursive: true }));

const makers = {
  memory: () => memoryStorage(),
  file: () => fileStorage(join(folder, `queue-${Math.random()}.json`)),
};

for (const [name, make] of Object.entries(makers)) {
  test(`a storage in ${name} keeps what is set until it is removed`, async () => {
    const storage = make();
    assert.deepEqual([...(await storage.read())], []);
    await storage.write(new Map([['a', '1'], ['b', '2']]), []);
    await storage.write(new Map([['b', '3'], ['c', '4']]), ['a', 'nothing']);
    assert.deepEqual([...(await storage.read())].sort(), [['b', '3'], ['c', '4']]);
  });

  test(`what is read from a storage in ${name} is a copy`, async () => {
    const storage = make();
    await storage.write(new Map([['a', '1']]), []);
    (await storage.read()).delete('a');
    assert.equal((await storage.read()).get('a'), '1');
  });

  test(`writes to a storage in ${name} that overlap are all kept`, async () => {
    const storage = make();
    const keys = Array.from({ length: 20 }, (_, n) => `k-${n}`);
    await Promise.all(keys.map((key) => storage.write(new Map([[key, 'x']]), [])));
    assert.deepEqual([...(await storage.read()).keys()].sort(), keys.sort());
  });
}

test('a file is as it was after a crash in the middle of a write', async () => {
  const path = join(folder, 'crashed.json');
  await fileStorage(path).write(new Map([['a', '1']]), []);
  await writeFile(`${path}.part`, '{"a": "1", "b');
  const again = fileStorage(path);
  assert.equal((await again.read()).get('a'), '1');
  await again.write(new Map([['b', '2']]), []);
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { a: '1', b: '2' });
  assert.deepEqual((await readdir(folder)).filter((name) => name.endsWith('.part')), []);
});

test('a file is for its owner only', async () => {
  const path = join(folder, 'private.json');
  await fileStorage(path).write(new Map([['a', '1']]), []);
  assert.equal((await stat(path)).mode & 0o077, 0);
});

test('a file that is no queue is named, and not overwritten', async () => {
  const path = join(folder, 'other.json');
  await writeFile(path, 'something else');
  await assert.rejects(fileStorage(path).read(), /other\.json should hold a queue of reports/);
  await assert.rejects(fileStorage(path).write(new Map(), []), /move it away/);
  assert.equal(await readFile(path, 'utf8'), 'something else');
});
