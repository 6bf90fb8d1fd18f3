/** Reads values of JSON objects whose shape is not known. */
import type { StepUp } from './answer.js';
import { UnexpectedResponseError } from './errors.js';

export type Fields = Readonly<Record<string, unknown>>;

/** The value of a JSON text; undefined if it is not valid. */
export function parseJSON(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export const object = (value: unknown) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : undefined);
export const list = (value: unknown) => (Array.isArray(value) ? value as unknown[] : undefined);
export const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
export const flag = (value: unknown) => (typeof value === 'boolean' ? value : undefined);
export const number = (value: unknown) => (typeof value === 'number' && value >= 0 ? value : undefined);
export const texts = (value: unknown) => list(value)?.filter((one): one is string => typeof one === 'string');

/** A value without which an answer cannot be used. */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new UnexpectedResponseError();
  return value;
}

/** The fields that are not undefined. */
export function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** The requirement in a refusal (2251) or in the answer to a scan. */
export function readStepUp(fields: Fields): StepUp {
  return present({ maxAge: number(fields['maxAge']), acrValues: texts(fields['acrValues']), amr: texts(fields['amr']) });
}
