/** Decides when a lost connection is worth a message. */

const OFFLINE_AFTER = 1500; // milliseconds; shorter interruptions are not reported

export class OfflineDetector {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #offline = false;
  #report;

  /** @param {(event: 'offline' | 'online') => void} report called when the connection counts as lost, and when it is restored */
  constructor(report) {
    this.#report = report;
  }

  /** The connection counts as lost. */
  get isOffline() {
    return this.#offline;
  }

  /**
   * There is no connection. Only the first call counts, until there is one.
   * @param {number} [planned] seconds until the page tries to connect, as the server asked it to
   */
  disconnected(planned = 0) {
    this.#timer ??= setTimeout(() => {
      if (this.#offline) return;
      this.#offline = true;
      this.#report('offline');
    }, OFFLINE_AFTER + planned * 1000);
  }

  /** A message arrived. */
  connected() {
    this.cancel();
    if (!this.#offline) return;
    this.#offline = false;
    this.#report('online');
  }

  /** No connection is needed. */
  cancel() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
