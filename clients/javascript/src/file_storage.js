/**
 * A storage in one file, for Node. The file is replaced as a whole and synced, so that a
 * crash leaves the old one or the new one. One process uses it at a time.
 *
 * @module
 */

import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * @param {string} path its directory must be there; `PATH.part` beside it is used as well
 * @returns {import('./memory_storage.js').Storage}
 */
export function fileStorage(path) {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  /**
   * One after the other.
   *
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  const inTurn = (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
  return {
    read: () => inTurn(() => kept(path)),
    write: (set, remove) =>
      inTurn(async () => {
        const changed = await kept(path);
        remove.forEach((key) => changed.delete(key));
        set.forEach((value, key) => changed.set(key, value));
        await replace(path, JSON.stringify(Object.fromEntries(changed)));
      }),
  };
}

/**
 * @param {string} path
 * @returns {Promise<Map<string, string>>}
 */
async function kept(path) {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(path, 'utf8'))));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
      return new Map();
    }
    throw new Error(`${path} should hold a queue of reports: move it away`, { cause: error });
  }
}

/**
 * @param {string} path
 * @param {string} text
 */
async function replace(path, text) {
  const part = `${path}.part`;
  const file = await open(part, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
