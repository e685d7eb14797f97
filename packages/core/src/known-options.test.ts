import { defineService } from './container/service-ref.ts';
import { TrainerBase } from './engine/trainer-base.ts';
import { definePlugin } from './plugin/define-plugin.ts';
import { definePreset } from './preset/define-preset.ts';
import { ConsoleLogger } from './services/logger.ts';

const logger = new ConsoleLogger({ level: 'silent' });
const make = (options: object = {}): TrainerBase =>
  new TrainerBase({ step: () => 1, maxIterations: 2, logger, ...options });
const plugin = (more: object = {}) => definePlugin({ name: 'a', version: '1.0.0', setup() {}, ...more });
const returning = (parts: unknown) => make({ plugins: [plugin({ setup: () => parts })()] }).prepare();
const preset = (more: object = {}) => definePreset({ name: 'p', version: '1.0.0', plugins: [], ...more });

/** Who has what misspelt, and what is said. */
const CASES: readonly (readonly [what: string, attempt: () => unknown, message: string])[] = [
  [
    'an option of TrainerBase',
    () => make({ plugin: [] }),
    '[HKL_OPTION_UNKNOWN] TrainerBase: it has no option "plugin". Did you mean "plugins"? Known: disposeTimeout, handleSignals,',
  ],
  [
    'an option of TrainerBase that is given as undefined',
    () => make({ maxIteration: undefined }),
    '[HKL_OPTION_UNKNOWN] TrainerBase: it has no option "maxIteration". Did you mean "maxIterations"?',
  ],
  [
    'options of TrainerBase that are no object',
    () => new TrainerBase(7 as never),
    '[HKL_OPTION_INVALID] TrainerBase: options must be an object, not 7. Known: disposeTimeout,',
  ],
  [
    'no options of TrainerBase',
    () => new (TrainerBase as unknown as new () => TrainerBase)(),
    '[HKL_OPTION_INVALID] trainer: neither maxIterations nor maxEpochs is given. Give maxIterations: 1000, or maxEpochs: 10 for data of known length.',
  ],
  [
    'a period that is none',
    () => make({ metricsPeriod: 0 }),
    '[HKL_OPTION_INVALID] trainer: metricsPeriod must be a whole number from 1 up, not 0. Give a whole number',
  ],
  [
    'a time that is none',
    () => make({ disposeTimeout: '3s' }),
    '[HKL_OPTION_INVALID] trainer: disposeTimeout must be milliseconds from 0 up, not 3s. Give a number of milliseconds',
  ],
  [
    'an option of train',
    () => make().train({ maxIteration: 9 } as never),
    '[HKL_OPTION_UNKNOWN] train: it has no option "maxIteration". Did you mean "maxIterations"? Known: maxEpochs, maxIterations.',
  ],
  [
    'an option of resumeOrLoad',
    () => make().resumeOrLoad({ resme: true } as never),
    '[HKL_OPTION_UNKNOWN] resumeOrLoad: it has no option "resme". Did you mean "resume"? Known: allowMismatch, resume, weights.',
  ],
  [
    'a field of a plugin',
    () => plugin({ require: {} }),
    '[HKL_PLUGIN_INVALID] a: a plugin has no "require". Did you mean "requires"? Known: after, before, core,',
  ],
  [
    'the instance of a plugin',
    () => plugin()(undefined, { instanc: 'b' } as never),
    '[HKL_OPTION_UNKNOWN] a: it has no option "instanc". Did you mean "instance"? Known: instance.',
  ],
  [
    'a part that setup returns',
    () => returning({ dispos: () => undefined }),
    '[HKL_SETUP_RESULT] a: its setup returned "dispos" (setup). Did you mean "dispose"? Known: dispose, isUnfinished, state.',
  ],
  [
    'a disposer that is no function',
    () => returning({ dispose: true }),
    '[HKL_SETUP_RESULT] a: its setup returned dispose as boolean (setup). Make it a function: dispose: () => ...',
  ],
  [
    'a state that cannot be loaded',
    () => returning({ state: { save: () => 1 } }),
    '[HKL_SETUP_RESULT] a: its setup returned a state without save and load (setup). Return state: { save:',
  ],
  [
    'a part of a state',
    () => returning({ state: { save: () => 1, load: () => 1, versoin: 2 } }),
    '[HKL_SETUP_RESULT] a: its setup returned a state with "versoin" (setup). Did you mean "version"? Known: load, migrate, optional, reset, save, schema, version.',
  ],
  [
    'a field of a preset',
    () => preset({ extend: [] }),
    '[HKL_PRESET_INVALID] p: a preset has no "extend". Did you mean "extends"?',
  ],
  [
    'an option of a preset that says what it has',
    () => preset({ plugins: () => [], optionNames: { period: true } })({ perod: 3 } as never),
    '[HKL_OPTION_UNKNOWN] p: it has no option "perod". Did you mean "period"? Known: period.',
  ],
  [
    'an option of a preset that is a list',
    () => preset()({ period: 3 } as never),
    '[HKL_OPTION_UNKNOWN] p: it has no option "period". There are none.',
  ],
  [
    'an option of a service',
    () => defineService('s', { description: 'a service', week: true } as never),
    '[HKL_OPTION_UNKNOWN] service "s": it has no option "week". Did you mean "weak"? Known: description, weak.',
  ],
];

describe('what is misspelt', () => {
  it.each(CASES)('%s is refused with a suggestion', async (_, attempt, message) => {
    const { message: found } = await Promise.resolve()
      .then(attempt)
      .then(
        () => new Error('nothing failed'),
        (error: unknown) => error as Error,
      );
    expect(found.slice(0, message.length)).toBe(message);
  });

  it('is not what a preset hands on by itself', () => {
    const open = preset({ plugins: ({ period }: { period: number }) => [plugin({ version: `1.0.${period}` })()] });
    expect(open({ period: 3 } as never).plugins).toMatchObject([{ definition: { version: '1.0.3' } }]);
  });
});
