import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { provide, replace } from '../container/provider.ts';
import { defineService } from '../container/service-ref.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { definePreset } from '../preset/define-preset.ts';
import type { PluginInput } from '../preset/preset.ts';
import { checkpointsRef, engineHooksRef } from '../services/core-services.ts';
import { ConsoleLogger } from '../services/logger.ts';
import { VERSION } from '../version.ts';
import { TrainerBase } from './trainer-base.ts';
import type { TrainerBaseOptions } from './trainer-options.ts';

interface Tappable {
  tap(fn: unknown): void;
}
interface Context {
  readonly hooks: Readonly<Record<string, Tappable>>;
}

/** A plugin as a user without types might write it. */
const plugin = (name: string, setup: (context: Context) => unknown = () => undefined, more: object = {}): Plugin =>
  definePlugin({ name, version: '1.0.0', setup, ...more } as never)();

/** An option schema like zod's: it knows its keys, and `often` must be a number. */
const optionsSchema = {
  shape: { period: {}, prefix: {} },
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => {
      const { period } = value as { period?: unknown };
      if (typeof period === 'number') return { value };
      return { issues: [{ message: `expected number, received ${typeof period}`, path: ['period'] }] };
    },
  },
} as unknown as StandardSchemaV1<object>;
const saver = definePlugin({ name: 'saver', version: '1.0.0', options: optionsSchema, setup() {} });
const word = defineService<string>('word', { description: 'a word of greeting' });
const base = definePreset({ name: 'base', version: '1.0.0', plugins: [saver({ period: 1 })] });

const run = (plugins: readonly PluginInput[], options: Partial<TrainerBaseOptions> = {}): Promise<unknown> =>
  new TrainerBase({
    step: () => 1,
    maxIterations: 2,
    plugins,
    logger: new ConsoleLogger({ level: 'silent' }),
    ...options,
  }).train();

const broken = (): never => {
  throw new Error('broken');
};

/** What is wrong, who has it, and all that is said about it. */
const CASES: readonly (readonly [
  what: string,
  run: () => Promise<unknown>,
  code: string,
  who: string,
  message: string,
])[] = [
  [
    'an unknown option',
    () => run([saver({ perod: 3 })]),
    'HKL_OPTION_UNKNOWN',
    'saver',
    'it has no option "perod". Did you mean "period"? Known: period, prefix.',
  ],
  [
    'an option of the wrong type',
    () => run([saver({ period: 'often' })]),
    'HKL_OPTION_INVALID',
    'saver',
    'option "period": expected number, received string (options).',
  ],
  [
    'an option that is missing',
    () => run([saver({})]),
    'HKL_OPTION_INVALID',
    'saver',
    'option "period" is missing (expected number, received undefined) (options).',
  ],
  [
    'a misspelt label',
    () => run([plugin('a', undefined, { after: ['evaluatoin'] })]),
    'HKL_LABEL_UNKNOWN',
    'a',
    'after: nobody here is called, or provides, "evaluatoin". Write "evaluatoin?" if it may be missing. Did you mean "evaluation"?',
  ],
  [
    'a cycle',
    () => run([plugin('a', undefined, { after: ['b'] }), plugin('b', undefined, { after: ['a'] })]),
    'HKL_ORDER_CYCLE',
    'a',
    'plugins must each come before the other: a -> b -> a. Remove one of their before or after labels.',
  ],
  [
    'a service that nobody provides',
    () => run([plugin('a', undefined, { requires: { word } })]),
    'HKL_SERVICE_MISSING',
    'a',
    'nobody provides the service "word": a word of greeting. Add a plugin that provides it, or services: [provide(...)] of the trainer.',
  ],
  [
    'a service that calls the hooks',
    () => run([plugin('a', undefined, { requires: { calls: engineHooksRef } })]),
    'HKL_SERVICE_INTERNAL',
    'a',
    'the service "engineHooks" is not for plugins (setup). Tap the hooks that setup is given.',
  ],
  [
    'a service that cannot be made',
    () => run([plugin('a', undefined, { requires: { word }, services: () => [provide(word, broken)] })]),
    'HKL_SERVICE_FAILED',
    'a',
    'service "word" could not be made: broken.',
  ],
  [
    'a replacement of nothing',
    () => run([plugin('a', undefined, { services: () => [replace(word, () => 'hi')] })]),
    'HKL_SERVICE_NOTHING_TO_REPLACE',
    'a',
    'nobody provides the service "word" that it replaces. Use provide(...), or correct the name.',
  ],
  [
    'a plugin that is listed twice',
    () => run([saver({ period: 1 }), saver({ period: 1 })]),
    'HKL_PLUGIN_DUPLICATE',
    'saver',
    "it is listed twice, by you and by you. Leave one of them out, or give one of them an instance: factory(options, { instance: 'second' }).",
  ],
  [
    'a plugin that a preset has already',
    () => run([base(), saver({ period: 1 })]),
    'HKL_PLUGIN_DUPLICATE',
    'saver',
    "it is listed twice, by base and by you. Change the first with .configure('saver', {...}) or .replace(...), or give one",
  ],
  [
    'a factory that was not called',
    () => run([saver as never]),
    'HKL_PLUGIN_LIST',
    'you',
    'a function is no plugin. Call it: it looks like the factory of a plugin or preset.',
  ],
  [
    'a preset without a list around it',
    () => run(base() as never),
    'HKL_PLUGIN_LIST',
    'you',
    'plugins is no array. Put it into brackets: plugins: [...].',
  ],
  [
    'an async function in a sync hook',
    () => run([plugin('a', ({ hooks }) => hooks['gradients']?.tap(async () => ({})))]),
    'HKL_ASYNC_IN_SYNC_HOOK',
    'a',
    'an async function cannot tap a sync hook (hook gradients). Sync hooks run on tensors inside the step and are never awaited.',
  ],
  [
    'a hook that there is not',
    () => run([plugin('a', ({ hooks }) => hooks['afterStp']?.tap(() => 1))]),
    'HKL_HOOK_UNKNOWN',
    'a',
    '"hookline" has no hook "afterStp" (setup). Did you mean "afterStep"?',
  ],
  [
    'a tap that is no function',
    () => run([plugin('a', ({ hooks }) => hooks['afterStep']?.tap(undefined))]),
    'HKL_TAP_NOT_A_FUNCTION',
    'a',
    'a tap must be a function, not undefined (hook afterStep). Call hooks.afterStep.tap((...) => ...).',
  ],
  [
    'a tap once the plugins are set up',
    () => run([plugin('a', ({ hooks }) => hooks['beforeTrain']?.tap(() => hooks['afterStep']?.tap(() => 1)))]),
    'HKL_PLUGIN_FAILED',
    'a',
    "its tap failed: [HKL_TAP_AFTER_SEAL] a: hooks cannot be tapped once the plugins are set up (hook afterStep). Tap within the plugin's setup function (hook beforeTrain, iteration 0).",
  ],
  [
    'an async setup',
    () => run([plugin('a', async () => undefined)]),
    'HKL_SETUP_ASYNC',
    'a',
    'its setup is async (setup). Tap in setup and open things in beforeTrain.',
  ],
  [
    'a setup that throws',
    () => run([plugin('a', broken)]),
    'HKL_SETUP_FAILED',
    'a',
    'its setup failed: broken (setup).',
  ],
  [
    'a setup that returns its clean-up as a function',
    () => run([plugin('a', () => () => undefined)]),
    'HKL_SETUP_RESULT',
    'a',
    'its setup returned a function (setup). Return { state?: { save, load }, dispose?: () => ... }, or nothing.',
  ],
  [
    'a disposer that throws',
    () => run([plugin('a', () => ({ dispose: broken }))]),
    'HKL_DISPOSE_FAILED',
    'a',
    'closing it failed: broken (dispose).',
  ],
  [
    'another version of core',
    () => run([plugin('a', undefined, { core: '^7.0.0' })]),
    'HKL_CORE_VERSION',
    'a',
    `it needs @hookline/core ^7.0.0, and this is ${VERSION}. Install matching versions; \`npm ls @hookline/core\` shows whether`,
  ],
  [
    'a version range that is none',
    () => run([plugin('a', undefined, { core: 'newest!' })]),
    'HKL_CORE_VERSION',
    'a',
    `core: "newest!" is no version range. Write, for example, "^${VERSION}".`,
  ],
  [
    'two plugins that write one thing',
    () =>
      run([
        plugin('one', undefined, { writes: ['learningRate/one'] }),
        plugin('all', undefined, { writes: ['learningRate'] }),
      ]),
    'HKL_WRITTEN_TWICE',
    'all',
    'it writes learningRate (the learning rate), and one writes learningRate/one: one would undo what the other does. ' +
      "Leave one of them out, in a preset by .without('one') or .without('all'), or give one an option by which it writes something else.",
  ],
  [
    'a plugin that writes no list of names',
    () => run([plugin('odd', undefined, { writes: () => 'learningRate' as never })]),
    'HKL_PLUGIN_INVALID',
    'odd',
    'writes is no list of names',
  ],
  [
    'a loss that is not finite',
    () => run([], { step: () => Number.NaN }),
    'HKL_LOSS_NOT_FINITE',
    'step',
    'the loss became infinite or NaN: total_loss: NaN (iteration 0). Where the step had updated weights by then, they may hold NaN as well',
  ],
  [
    'nothing to train',
    () => run([], { maxIterations: 0 }),
    'HKL_NOTHING_TO_TRAIN',
    'train',
    'iteration 0 is not below maxIterations 0. Raise maxIterations to go on, or begin a new run in another output folder.',
  ],
];

describe('bad input', () => {
  it.each(CASES)('%s is answered with who, where and what to do', async (_, attempt, code, who, message) => {
    const error = (await attempt().catch((caught: unknown) => caught)) as Error;
    expect(error).toMatchObject({ code, who });
    expect(error.message.startsWith(`[${code}] ${who}: ${message}`) || error.message).toBe(true);
  });

  it('an invalid answer to a failed step is reported after the error of the step, and skips nothing', async () => {
    const retry = plugin('retrier', ({ hooks }) => hooks['stepFailed']?.tap(() => 'retry'));
    const error = (await run([retry], { step: broken }).catch((caught: unknown) => caught)) as AggregateError;
    expect(error.errors.map(String)).toEqual([
      'Error: broken',
      `PluginError: [HKL_PLUGIN_FAILED] retrier: its tap failed: [HKL_TAP_RESULT] it returned "retry". Return 'skip' to go on with the next step, 'stop' to end gracefully, or nothing to let the error through (hook stepFailed, iteration 0).`,
    ]);
  });

  it('parts of one thing, and names that only begin alike, are no conflict', async () => {
    const writing = (name: string, ...writes: string[]) => plugin(name, undefined, { writes });
    await run([writing('a', 'learningRate/a', 'metrics/val'), writing('b', 'learningRate/b', 'metrics/values')]);
  });

  it('two instances of a plugin keep a state each', async () => {
    const seen: string[] = [];
    const counter = definePlugin({
      name: 'counter',
      version: '1.0.0',
      setup({ hooks, plugin: { id } }) {
        let steps = 0;
        hooks.afterStep.tap(() => void steps++);
        hooks.afterTrain.tap(() => void seen.push(`${id} ${steps}`));
      },
    });
    await run([counter(), counter(undefined, { instance: 'second' })]);
    expect(seen).toEqual(['counter 2', 'counter#second 2']);
  });

  it('an output folder that cannot be written is found out before the first step, with its reason', async () => {
    const dir = temporaryFolder();
    await writeFile(join(dir, 'file'), '');
    const needs = plugin('needs', undefined, { requires: { checkpoints: checkpointsRef } });
    const output = join(dir, 'file', 'run');
    await expect(run([needs], { output, step: broken })).rejects.toThrow(
      `[HKL_OUTPUT_UNWRITABLE] output: cannot write into ${output} (ENOTDIR). Choose another folder (output: ..., or --output DIR), or change its permissions.`,
    );
  });
});
