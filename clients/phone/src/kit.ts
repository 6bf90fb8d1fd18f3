/** The entry: reads texts and links, and scans. */
import { readScan } from './answer.js';
import { UnavailableError, UnexpectedResponseError } from './errors.js';
import { Login, type DecisionOptions } from './login.js';
import { parse, parseOpened, parseOrigin, type Code, type Pins } from './payload.js';
import { FIRST_WAIT, post, type Connection } from './request.js';
import { pause, type RequestInitLike, type ResponseLike } from './runtime.js';

/** What the app knows in advance. A code is never trusted to say it. */
export interface Options {
  /** Origin of the scanlogin server, such as `https://scan.example.com`. All requests go there, and nowhere else. */
  server: string;
  /** Returns the user's current token. Called before each step. An error that it throws is passed on unchanged. */
  token: () => string | Promise<string>;
  /** The app's user pool. Recommended: codes of other pools are then refused without a request. */
  pool?: string;
  /** Origins whose links are login codes; by default the server's. */
  linkOrigins?: readonly string[];
  /** Links that open the app, with `{random}`, as `app_link` of the pool. */
  appLinks?: readonly string[];
  /** Language of the server's sentences, such as `en` or `zh-CN`. */
  language?: string;
  /** Milliseconds for one request. Default 10,000: a busy server answers within 2 s, an identity provider within 10. */
  requestTimeout?: number;
  /** Milliseconds after which no further attempt of a call begins. Default 30,000. */
  totalTimeout?: number;
  /** Allow `http://`, for development. */
  allowHttp?: boolean;
  /** Instead of the global fetch. It must not follow redirects, which would send the token elsewhere. */
  fetch?(url: string, init: RequestInitLike): Promise<ResponseLike>;
}

/** An opened link to a login code. Nothing happens until the user wants to scan it. */
export class LinkedCode {
  readonly #code: Code;

  constructor(code: Code) {
    this.#code = code;
  }

  /**
   * The code, for {@link PhoneKit.scan}. Call it from the button of a screen such as "You opened a login link. Only
   * continue if you opened the login page yourself". Never call it because a link was opened: anyone can send a link.
   */
  afterUserAgreed(): Code {
    return this.#code;
  }
}

/**
 * The phone's side of the logins of one server.
 *
 * Throws a TypeError for options that are not valid.
 */
export class PhoneKit {
  readonly #pins: Pins;
  readonly #connection: Connection;
  readonly #scannable = new WeakSet<object>();

  constructor(options: Options) {
    const origin = (text: string) => parseOrigin(text, options.allowHttp ?? false);
    const { linkOrigins = [options.server], appLinks = [], pool, language, fetch } = options;
    for (const link of appLinks) {
      if (!/^[a-z][a-z0-9+.-]*:[^{}]+\{random\}[^{}]*$/i.test(link)) throw new TypeError(`"${link}" must be a link with {random}`);
    }
    this.#pins = { origins: linkOrigins.map(origin), appLinks, pool };
    this.#connection = {
      server: origin(options.server), token: options.token, pool, language,
      requestTimeout: options.requestTimeout ?? 10_000, totalTimeout: options.totalTimeout ?? 30_000,
      fetch: fetch && ((url, init) => fetch.call(options, url, init)),
    };
  }

  /**
   * Reads what the app's camera saw, or what the user typed. Sends nothing.
   * Throws NotLoginCodeError, UntrustedHostError or OtherPoolError.
   */
  read(text: string): Code {
    return this.#remember(parse(text, this.#pins));
  }

  /** Reads a link that was opened outside of the app. Sends nothing. Throws the same errors. */
  openLink(url: string): LinkedCode {
    return new LinkedCode(this.#remember(parseOpened(url, this.#pins)));
  }

  /**
   * Reports that the user scanned the code, and returns who asks.
   *
   * Scanning again as the same user changes nothing, so a lost response is followed by another attempt. Only a
   * typed code is sent once: it is not valid after its first scan.
   */
  async scan(code: Code, { signal }: DecisionOptions = {}): Promise<Login> {
    if (!this.#scannable.has(code)) throw new TypeError('scan needs a code from read, or from LinkedCode.afterUserAgreed');
    const deadline = Date.now() + this.#connection.totalTimeout;
    for (let wait = FIRST_WAIT; ; wait *= 2) {
      try {
        const scan = readScan(await post(this.#connection, 'scanned', { random: code.random }, signal));
        if (code.kind !== 'typed' && scan.random !== code.random) throw new UnexpectedResponseError();
        return new Login(this.#connection, scan);
      } catch (error) {
        if (!(error instanceof UnavailableError) || code.kind === 'typed') throw error;
        wait = Math.max(wait, 1000 * (error.retryAfter ?? 0));
        if (Date.now() + wait > deadline) throw error;
      }
      await pause(wait, signal);
    }
  }

  #remember(code: Code): Code {
    this.#scannable.add(code);
    return code;
  }
}
