/**
 * A storage in IndexedDB, for pages and web views.
 *
 * @module
 */

const STORE = 'kept';
const VERSION = 1;

/**
 * @param {string} name of the database
 * @param {IDBFactory} [factory]
 * @returns {import('./memory_storage.js').Storage}
 */
export function indexedDbStorage(name, factory = globalThis.indexedDB) {
  /** @type {Promise<IDBDatabase> | undefined} */
  let opening;
  const connect = () => {
    opening ??= opened(factory, name, () => (opening = undefined));
    return opening;
  };
  /**
   * Runs a transaction. Web views close databases of apps in the background: then once more
   * on a new connection.
   *
   * @template T
   * @param {(database: IDBDatabase) => Promise<T>} work
   * @returns {Promise<T>}
   */
  const tried = async (work) => {
    try {
      return await work(await connect());
    } catch {
      opening = undefined;
      return work(await connect());
    }
  };
  return { read: () => tried(readFrom), write: (set, remove) => tried(writeTo(set, remove)) };
}

/**
 * @param {IDBFactory} factory
 * @param {string} name
 * @param {() => void} forget called once the connection is of no use
 * @returns {Promise<IDBDatabase>}
 */
function opened(factory, name, forget) {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onerror = () => {
      forget();
      reject(request.error);
    };
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = forget;
      database.onversionchange = () => {
        forget();
        database.close();
      };
      resolve(database);
    };
  });
}

/**
 * @param {IDBDatabase} database
 * @returns {Promise<Map<string, string>>}
 */
async function readFrom(database) {
  const transaction = database.transaction(STORE);
  const store = transaction.objectStore(STORE);
  const [keys, values] = [store.getAllKeys(), store.getAll()];
  await completed(transaction);
  return new Map(keys.result.map((key, at) => [String(key), values.result[at]]));
}

/**
 * @param {Map<string, string>} set
 * @param {string[]} remove
 * @returns {(database: IDBDatabase) => Promise<void>}
 */
function writeTo(set, remove) {
  return (database) => {
    // Browsers are done before the disk is, unless they are told otherwise.
    const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' });
    const store = transaction.objectStore(STORE);
    remove.forEach((key) => store.delete(key));
    set.forEach((value, key) => store.put(value, key));
    return completed(transaction);
  };
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}
