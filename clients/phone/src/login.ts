/** A scanned code: the user's decision, with retries that are safe. */
import { readDecision, readStatus, type Decision, type Scan, type Status } from './answer.js';
import { CodeUsedError, LoginError, MatchCodeError, OutcomeUnknownError, RateLimitedError, UnavailableError } from './errors.js';
import { check, FIRST_WAIT, post, type Connection } from './request.js';
import { pause, type AbortSignalLike } from './runtime.js';

export interface DecisionOptions {
  /** Stops waiting. The decision may nevertheless have been stored: see {@link Login.status}. */
  signal?: AbortSignalLike;
}

/**
 * A code that the user has scanned. Show `scan`, then call `confirm` or `cancel` when the user
 * presses the button.
 *
 * Repeating the step that led to the current status succeeds and changes nothing, so after a
 * lost response both ask for the status and repeat the step. There is one exception: a wrong
 * number counts as an attempt each time it is sent. So a confirm with a number is repeated only
 * if the status says that it was stored; otherwise it fails with OutcomeUnknownError, and the user
 * presses Agree again.
 */
export class Login {
  readonly #to: Connection;
  #pending = false;

  /** @internal Use {@link PhoneKit.scan}. */
  constructor(to: Connection, readonly scan: Scan) {
    this.#to = to;
  }

  /** The user agrees. `matchCode`: the two digits that the user entered, if `scan.match` is set. */
  async confirm({ matchCode, ...options }: DecisionOptions & { matchCode?: string | undefined } = {}): Promise<Decision> {
    if (this.scan.match && !/^[0-9]{2}$/.test(matchCode ?? '')) throw new MatchCodeError(); // not sent, does not count
    return this.#decide('confirm', this.scan.match && matchCode ? { matchCode } : {}, options);
  }

  /** The user declines. */
  async cancel(options: DecisionOptions = {}): Promise<Decision> {
    return this.#decide('cancel', {}, options);
  }

  /** The current status of the code, after an outcome that is not known. */
  async status({ signal }: DecisionOptions = {}): Promise<Status> {
    return readStatus(await check(this.#to, this.scan.random, signal));
  }

  async #decide(step: 'confirm' | 'cancel', more: { matchCode?: string }, options: DecisionOptions): Promise<Decision> {
    if (this.#pending) throw new TypeError('wait for the other decision, or abort it');
    this.#pending = true;
    try {
      return await this.#attempts(step, more, options);
    } catch (error) {
      if (error instanceof CodeUsedError) error.status = await this.status(options).catch(() => undefined);
      throw error;
    } finally {
      this.#pending = false;
    }
  }

  /** Sends the step until its outcome is known or the time is over. */
  async #attempts(step: 'confirm' | 'cancel', more: { matchCode?: string }, options: DecisionOptions): Promise<Decision> {
    const deadline = Date.now() + this.#to.totalTimeout;
    for (let wait = FIRST_WAIT; ; wait *= 2) {
      try {
        return readDecision(await post(this.#to, step, { random: this.scan.random, ...more }, options.signal), step, this.scan.random);
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        wait = Math.max(wait, 1000 * (error.retryAfter ?? 0));
      }
      const status = await this.#query(wait, deadline, options); // the step may or may not have been stored
      if (status === 'scanned' && more.matchCode) throw new OutcomeUnknownError(status);
    }
  }

  /** Asks for the status, first after `wait`, until there is an answer or the time is over. */
  async #query(wait: number, deadline: number, options: DecisionOptions): Promise<Status> {
    for (;;) {
      if (Date.now() + wait > deadline) throw new OutcomeUnknownError();
      await pause(wait, options.signal);
      try {
        return await this.status(options);
      } catch (error) {
        if (!(error instanceof LoginError)) throw error;
        if (!(error instanceof UnavailableError || error instanceof RateLimitedError)) throw new OutcomeUnknownError();
        wait = Math.max(2 * wait, 1000 * (error.retryAfter ?? 0));
      }
    }
  }
}
