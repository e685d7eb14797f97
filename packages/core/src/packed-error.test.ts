import { HooklineError, PluginError } from './errors.ts';
import { packError, unpackError } from './packed-error.ts';

/** What a message to another thread makes of an error. */
const sent = (error: unknown): Error => unpackError(structuredClone(packError(error)));

it('keeps code, parts, stack and causes', () => {
  const cause = new HooklineError('HKL_INNER', 'no such file', { who: 'a.png', cause: new RangeError('13') });
  const error = new PluginError('plugin-a', 'afterStep', 3, cause);
  const found = sent(error);
  expect(found).toBeInstanceOf(HooklineError);
  const { code, what, who, where, fix, message, stack } = error;
  expect(found).toMatchObject({ code, what, who, where, fix, message, stack });
  expect(found.cause).toMatchObject({ code: 'HKL_INNER', what: 'no such file', who: 'a.png' });
  expect((found.cause as Error).cause).toMatchObject({ name: 'RangeError', message: '13' });
});

it('keeps name and message of other errors, and what no error is in words', () => {
  const type = new TypeError('no number');
  expect(sent(type)).toMatchObject({ name: 'TypeError', message: 'no number', stack: type.stack });
  expect(sent('too late').message).toBe('too late');
  expect(sent(7).message).toContain('7');
});

it('keeps the code of an error that has only a message', () => {
  const error = Object.assign(new Error('[HKL_OTHER] no model'), { code: 'HKL_OTHER' });
  expect(sent(error)).toMatchObject({ code: 'HKL_OTHER', message: '[HKL_OTHER] no model' });
});

it('ends where causes form a circle', () => {
  const error = new Error('first');
  error.cause = new Error('second', { cause: error });
  expect(sent(error).cause).toMatchObject({ message: 'second' });
});
