import { HooklineError, PluginError } from '@hookline/core';
import { formatError } from './report-error.ts';

describe('formatError', () => {
  it('prints a Hookline error in one line, without a stack', () => {
    const error = new HooklineError('HKL_X', 'it broke', { who: 'me', fix: 'Mend it' });
    expect(formatError(error)).toBe('error: [HKL_X] me: it broke. Mend it.');
  });

  it('shows the stack of it when asked', () => {
    expect(formatError(new HooklineError('HKL_X', 'it broke'), { debug: true })).toMatch(
      /it broke\.\n\s+at .*report-error/,
    );
  });

  it('prints what is underneath, once, with the stack of a bug', () => {
    const cause = new HooklineError('HKL_Y', 'no weights', { cause: new TypeError('x is undefined') });
    const lines = formatError(new PluginError('ema', 'afterStep', 7, cause)).split('\n');
    expect(lines[0]).toContain('[HKL_PLUGIN_FAILED] ema: its tap failed: [HKL_Y] no weights');
    expect(lines[1]).toBe('  caused by: TypeError: x is undefined');
    expect(lines[2]).toMatch(/^\s+at /);
    expect(lines.join('\n').match(/no weights/g)).toHaveLength(1);
  });

  it('prints no stack of an error that is explained, nor a cause that the message holds', () => {
    const cause = Object.assign(new Error("ENOENT: no such file or directory, open 'x'"), { code: 'ENOENT' });
    const explained = (what: string) => formatError(new HooklineError('HKL_X', what, { cause }));
    expect(explained('there is no such file')).toBe('error: [HKL_X] there is no such file.');
    expect(explained('cannot write into it (ENOENT)')).toBe('error: [HKL_X] cannot write into it (ENOENT).');
    expect(explained(`it cannot be read: ${cause.message}`).split('\n')).toHaveLength(1);
    expect(explained('it cannot be shown')).toBe(
      `error: [HKL_X] it cannot be shown.\n  caused by: Error: ${cause.message}`,
    );
  });

  it('prints the stack of an error that nothing explains', () => {
    const thrown = new PluginError('ema', 'afterStep', 7, new Error('mine'));
    expect(formatError(thrown)).toMatch(/its tap failed: mine.*\n\s+at .*report-error/);
  });

  it('lists all errors of several', () => {
    const errors = [new HooklineError('HKL_A', 'first'), new HooklineError('HKL_B', 'second')];
    expect(formatError(new AggregateError(errors))).toBe('error: [HKL_A] first.\nerror: [HKL_B] second.');
  });

  it('answers for what is no error, and for causes in a circle', () => {
    expect(formatError('oops')).toBe('error: a value that is no error was thrown: oops');
    const circle = new HooklineError('HKL_C', 'round');
    Object.defineProperty(circle, 'cause', { value: circle });
    expect(formatError(circle)).toBe('error: [HKL_C] round.');
  });
});
