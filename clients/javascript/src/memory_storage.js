/**
 * A storage that forgets all when the process ends, and what every storage can do.
 *
 * @module
 */

/**
 * Where a client keeps its queue: texts by key. Two clients never share one, except in the
 * same browser (`navigator.locks`).
 *
 * @typedef {object} Storage
 * @property {() => Promise<Map<string, string>>} read all that is kept
 * @property {(set: Map<string, string>, remove: string[]) => Promise<void>} write sets and
 *   removes at once, or not at all; once it resolves, a crash takes nothing back
 */

/**
 * For tests, and for processes whose queue may die with them.
 *
 * @returns {Storage}
 */
export function memoryStorage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    read: async () => new Map(kept),
    write: async (set, remove) => {
      remove.forEach((key) => kept.delete(key));
      set.forEach((value, key) => kept.set(key, value));
    },
  };
}
