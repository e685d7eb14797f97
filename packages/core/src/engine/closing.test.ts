import { provide, replace } from '../container/provider.ts';
import { defineService } from '../container/service-ref.ts';
import { PluginError } from '../errors.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import { falling, silent as logger } from './scribe.test.support.ts';
import { TrainerBase } from './trainer-base.ts';

const fails = (what: string) => (): never => {
  throw new Error(what);
};
const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(fails('nothing was thrown'), (error: unknown) => error as Error);

describe('afterTrain', () => {
  const plugin = (name: string, afterTrain: () => void | Promise<void>) =>
    definePlugin({
      name,
      version: '1.0.0',
      setup({ hooks }) {
        hooks.afterTrain.tap(afterTrain);
      },
    })();

  it('runs every tap whatever the others throw, and then tells all of it, the first error leading', async () => {
    const log: string[] = [];
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 2,
      logger,
      plugins: [
        plugin('throws', fails('at once')),
        plugin('closes', () => void log.push('closes')),
        plugin('rejects', async () => {
          await Promise.resolve();
          throw new Error('later');
        }),
        plugin('closes-later', async () => {
          await Promise.resolve();
          log.push('closes later');
        }),
      ],
    });
    const error = (await caught(trainer.train())) as AggregateError;
    expect(log).toEqual(['closes', 'closes later']);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.message).toMatch(
      /^\[HKL_PLUGIN_FAILED\] throws: its tap failed: at once .*\(and 1 more: see errors\)$/,
    );
    expect(error.errors).toMatchObject([
      { plugin: 'throws', hook: 'afterTrain', iteration: 2 },
      { plugin: 'rejects', hook: 'afterTrain', iteration: 2 },
    ]);
  });

  it('gives a single error as it is', async () => {
    const plugins = [plugin('throws', fails('alone')), plugin('closes', () => undefined)];
    const error = await caught(new TrainerBase({ step: falling, maxIterations: 1, logger, plugins }).train());
    expect(error).toBeInstanceOf(PluginError);
    expect(error).toMatchObject({ plugin: 'throws', cause: { message: 'alone' } });
  });
});

describe('dispose', () => {
  interface Thing {
    readonly name: string;
    dispose?(): void | Promise<void>;
  }
  const base = defineService<Thing>('base', { description: 'made first' });
  const top = defineService<Thing>('top', { description: 'made of base' });
  const idle = defineService<Thing>('idle', { description: 'asked for by nobody' });

  /** A trainer whose services note when they are disposed of. */
  function make(log: string[], disposeTop: () => void | Promise<void> = () => undefined) {
    const thing = (name: string, dispose: () => void | Promise<void> = () => undefined): Thing => ({
      name,
      dispose: () => {
        log.push(name);
        return dispose();
      },
    });
    const owner = definePlugin({
      name: 'owner',
      version: '1.0.0',
      requires: { top },
      services: () => [
        provide(top, ({ below }) => thing(`top of ${below.name}`, disposeTop), { below: base }),
        provide(idle, () => thing('idle')),
      ],
      setup: ({ top: made }) => ({ dispose: () => void log.push(`plugin with ${made.name}`) }),
    });
    return new TrainerBase({
      step: falling,
      maxIterations: 1,
      logger,
      disposeTimeout: 20,
      plugins: [owner()],
      services: [
        provide(base, async () => Promise.resolve(thing('base'))),
        replace(base, (original) => thing(`wrapped ${original.name}`)),
      ],
    });
  }

  it('disposes of every service that was made, once, after the plugins, those made last first', async () => {
    const log: string[] = [];
    const trainer = make(log);
    await trainer.train();
    expect(log).toEqual(['plugin with top of wrapped base']);
    await trainer.train({ maxIterations: 2 });
    expect(log).toHaveLength(2);
    await trainer.dispose();
    await trainer.dispose();
    expect(log.slice(2)).toEqual(['top of wrapped base', 'wrapped base', 'base']);
    await expect(trainer.train({ maxIterations: 3 })).rejects.toMatchObject({ code: 'HKL_TRAINER_DISPOSED' });
    await expect(trainer.service(base)).rejects.toMatchObject({ code: 'HKL_TRAINER_DISPOSED' });
  });

  it('disposes of what was made before another service failed', async () => {
    const log: string[] = [];
    const broken = replace(top, fails('no such thing'));
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 1,
      logger,
      plugins: [definePlugin({ name: 'asks', version: '1.0.0', requires: { base, top }, setup: () => undefined })()],
      services: [
        provide(base, () => ({ name: 'base', dispose: () => void log.push('base') })),
        provide(top, () => ({ name: 'top', dispose: () => void log.push('top') })),
        broken,
      ],
    });
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_SERVICE_FAILED' });
    await trainer.dispose();
    expect(log).toEqual(['top', 'base']);
  });

  it('goes on after one that throws or hangs, and names service and owner', async () => {
    const log: string[] = [];
    const throwing = make(log, fails('stuck'));
    await throwing.train();
    await expect(throwing.dispose()).rejects.toThrow(
      /^\[HKL_DISPOSE_FAILED\] service "top" of owner: .*stuck \(dispose\)/,
    );
    expect(log.slice(1)).toEqual(['top of wrapped base', 'wrapped base', 'base']);
    const hanging = make(log, () => new Promise(() => undefined));
    await hanging.train();
    await expect(hanging.dispose()).rejects.toThrow(/not done after 20 ms/);
  });

  it('disposes once of one object that is several services, and of what a replacement has spread', async () => {
    let times = 0;
    const shared: Thing = { name: 'shared', dispose: () => void times++ };
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 1,
      logger,
      plugins: [definePlugin({ name: 'asks', version: '1.0.0', requires: { base, top }, setup: () => undefined })()],
      services: [
        provide(base, () => shared),
        provide(top, ({ base: same }) => same, { base }),
        replace(top, (original) => ({ ...original, name: 'another' })),
      ],
    });
    await trainer.train();
    await trainer.dispose();
    expect(times).toBe(1);
  });
});
