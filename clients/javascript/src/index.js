/**
 * Queues reports on the device and sends them to a Groundswell server, each until the
 * server has said what became of it.
 *
 * For browsers, web views (Capacitor, Ionic) and Node 20 or later. `file_storage.js`, for
 * Node, is a module of its own.
 *
 * @module
 */

export { judge } from './answers.js';
export { bounds } from './back_off.js';
export { attach } from './browser.js';
export { GroundswellClient, QueueFull } from './client.js';
export { indexedDbStorage } from './indexed_db_storage.js';
export { memoryStorage } from './memory_storage.js';
export { roundedPlace } from './place.js';
