/**
 * A site's login, written with the types that openapi-typescript generates from
 * /openapi.yaml: it uses only described fields.
 */
import type { components, operations } from './openapi.js';

type Calls = 'gene' | 'check' | 'scanned' | 'confirm' | 'userinfo';
type Data<Call extends Calls> = operations[Call]['responses'][200]['content']['application/json']['data'];
type Body<Call extends Exclude<Calls, 'check'>> = NonNullable<operations[Call]['requestBody']>['content']['application/json'];
type Refusal = components['schemas']['Error'];

export class Site {
  constructor(readonly address: string, readonly pool: string, readonly secret: string) {}

  private async call<T>(path: string, init: RequestInit): Promise<T> {
    const answer = await fetch(`${this.address}/api/v2/qrcode/${path}`, init);
    const { code, message, data }: { code: 200; message: string; data: T } | Refusal = await answer.json();
    if (data === null) throw new Error(`${code}: ${message}`);
    return data;
  }

  private post<Call extends Exclude<Calls, 'check'>>(call: Call, body: Body<Call>): Promise<Data<Call>> {
    const authorization = `Basic ${btoa(`${this.pool}:${this.secret}`)}`;
    return this.call(call, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  }

  /** One login, the phone's steps vouched for by the site; each state that the page sees, and the user. */
  async login(user: components['schemas']['VouchedUser']) {
    const code = await this.post('gene', { userPoolId: this.pool, scene: 'APP_AUTH' });
    const check = (): Promise<Data<'check'>> => this.call(`check?random=${code.random}`, { headers: { 'x-browser-key': code.browserKey } });
    const seen: Data<'check'>['event'][] = [];
    for (const step of ['scanned', 'confirm'] as const) {
      seen.push((await check()).event);
      const { status, browser } = await this.post(step, { random: code.random, user });
      if (status !== (step === 'scanned' ? 1 : 2)) throw new Error(`${step} by ${browser.ip} led to ${status}`);
    }
    const { event, ticket } = await check();
    seen.push(event);
    if (ticket === null) throw new Error('the browser got no ticket');
    const { id, nickname } = await this.post('userinfo', { ticket });
    return { seen, id, nickname };
  }
}

/** What the types forbid. */
export function wrong(status: Data<'check'>, site: Site) {
  // @ts-expect-error: the ticket may be null
  status.ticket.length;
  // @ts-expect-error: there is no such event
  status.event === 'approved';
  // @ts-expect-error: there is no such field
  status.matched;
  // @ts-expect-error: an id is text
  return site.login({ id: 7 });
}
