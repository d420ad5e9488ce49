/**
 * What a page or a web view tells a client.
 *
 * @module
 */

/**
 * Lets a client send when the network is back, when the page is shown again, and, by beacon,
 * when it may be going away.
 *
 * @param {Pick<import('./client.js').GroundswellClient, 'online' | 'flush' | 'beacon'>} client
 * @param {Window} [window]
 * @returns {() => void} ends it
 */
export function attach(client, window = globalThis.window) {
  const { document } = window;
  const listeners = /** @type {[EventTarget, string, () => unknown][]} */ ([
    [window, 'online', () => client.online()],
    [window, 'pagehide', () => client.beacon()],
    [
      document,
      'visibilitychange',
      () => (document.visibilityState === 'hidden' ? client.beacon() : client.flush()),
    ],
  ]);
  listeners.forEach(([target, type, listener]) => target.addEventListener(type, listener));
  return () =>
    listeners.forEach(([target, type, listener]) => target.removeEventListener(type, listener));
}
