import { PluginError } from '../errors.ts';
import { asyncSeries, asyncSeriesBail, asyncSeriesWaterfall, sync, syncBail, syncWaterfall } from './hook-spec.ts';
import { HookSite } from './hook-site.ts';
import { Hook } from './hook.ts';

const series = asyncSeries<[value: number]>(['value'], 'a series');

describe('async phases', () => {
  it('return no promise when every tap is synchronous', () => {
    const hook = new Hook('work', series, new HookSite());
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) hook.facade(`p${i}`).tap((value) => void seen.push(value + i));
    expect(hook.call(10)).toBeUndefined();
    expect(seen).toEqual([10, 11, 12, 13, 14]);
    expect(hook.taps).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
  });

  it('run sync and async taps in order, one after the other', async () => {
    const hook = new Hook('work', series, new HookSite());
    const seen: string[] = [];
    hook.facade('a').tap(async () => {
      await new Promise((done) => setTimeout(done, 5));
      seen.push('a');
    });
    hook.facade('b').tap(() => void seen.push('b'));
    hook.facade('c').tap(async () => void seen.push('c'));
    await hook.call(1);
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it.each([
    [
      'throws at once',
      () => {
        throw new Error('boom');
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
    [
      'rejects later',
      async () => {
        await Promise.resolve();
        throw new Error('boom');
      },
    ],
  ])('a later tap that %s ends the call with an error that names it', async (_, fn) => {
    const site = new HookSite();
    site.iteration = 7;
    const hook = new Hook('afterStep', series, site);
    hook.facade('first').tap(async () => undefined);
    hook.facade('culprit').tap(fn);
    const error = await Promise.resolve(hook.call(1)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PluginError);
    expect(error).toMatchObject({ code: 'HKL_PLUGIN_FAILED', plugin: 'culprit', hook: 'afterStep', iteration: 7 });
    expect((error as PluginError).message).toContain('boom');
    expect((error as PluginError).cause).toMatchObject({ message: 'boom' });
  });

  it('take a rejection without a reason for an error', async () => {
    const hook = new Hook('work', series, new HookSite());
    hook.facade('p').tap(() => Promise.reject(undefined));
    await expect(hook.call(1)).rejects.toThrow('[HKL_PLUGIN_FAILED] p:');
  });

  it('bail at the first value and never at null', async () => {
    const hook = new Hook('ask', asyncSeriesBail<[x: number], string>(['x'], ''), new HookSite());
    hook.facade('a').tap(() => null as unknown as undefined);
    hook.facade('b').tap(async () => 'b');
    hook.facade('c').tap(() => 'c');
    expect(await hook.call(1)).toBe('b');
  });

  it('hand a value down a waterfall and keep it where a tap returns nothing', async () => {
    const hook = new Hook('fall', asyncSeriesWaterfall<number, [by: number]>(['value', 'by'], ''), new HookSite());
    expect(hook.call(3, 2)).toBe(3);
    hook.facade('a').tap((value, by) => value + by);
    hook.facade('b').tap(() => undefined);
    hook.facade('c').tap(async (value) => value * 10);
    expect(await hook.call(3, 2)).toBe(50);
  });
});

describe('sync phases', () => {
  it('call their taps, bail at the first value, and hand a value down a waterfall', () => {
    const site = new HookSite();
    const plain = new Hook('plain', sync<[x: number]>(['x'], ''), site);
    const seen: number[] = [];
    plain.facade('a').tap((x) => void seen.push(x));
    plain.call(4);
    expect(seen).toEqual([4]);
    const bail = new Hook('bail', syncBail<[x: number], true>(['x'], ''), site);
    bail.facade('a').tap(() => undefined);
    bail.facade('b').tap(() => true);
    bail.facade('c').tap(() => {
      throw new Error('not reached');
    });
    expect(bail.call(1)).toBe(true);
    const fall = new Hook('fall', syncWaterfall<number>(['x'], ''), site);
    fall.facade('a').tap((x) => x * 2);
    fall.facade('b').tap(() => undefined);
    expect(fall.call(21)).toBe(42);
  });

  it('leave out the taps that are left once their caller says that it is done', () => {
    const site = new HookSite();
    const fall = new Hook('fall', syncWaterfall<number>(['x'], ''), site);
    let isDone = false;
    const entered: string[] = [];
    site.observe({ enter: (plugin) => void entered.push(plugin), leave: () => undefined });
    fall.facade('a').tap((x) => x + 1);
    fall.facade('b').tap((x) => {
      isDone = true;
      return x * 10;
    });
    fall.facade('c').tap(() => {
      throw new Error('not reached');
    });
    fall.stopWhen(() => isDone);
    expect(fall.call(1)).toBe(20);
    expect(entered).toEqual(['a', 'b']);
    fall.stopWhen(undefined);
    expect(() => fall.call(1)).toThrow('not reached');
  });

  it('refuse async functions when tapped and promises when called', () => {
    const hook = new Hook('gradients', syncWaterfall<number>(['x'], ''), new HookSite());
    const facade = hook.facade('p');
    expect(() => facade.tap((async () => 1) as never)).toThrow('[HKL_ASYNC_IN_SYNC_HOOK] p:');
    facade.tap((() => Promise.reject(new Error('lost'))) as never);
    expect(() => hook.call(1)).toThrow(/an async function cannot tap a sync hook/);
  });
});

describe('every hook', () => {
  it('refuses what is no function, and taps after the seal until it is opened again', () => {
    const hook = new Hook('work', series, new HookSite());
    expect(() => hook.facade('p').tap(null as never)).toThrow(
      '[HKL_TAP_NOT_A_FUNCTION] p: a tap must be a function, not null',
    );
    hook.seal();
    expect(() => hook.facade('p').tap(() => undefined)).toThrow('[HKL_TAP_AFTER_SEAL] p:');
    hook.open();
    hook.facade('p').tap(() => undefined);
    expect(hook.taps).toEqual(['p']);
  });

  it('tells observers when taps are entered and left, nested and until promises settle', async () => {
    const site = new HookSite();
    const log: string[] = [];
    const observer = (name: string) => ({
      enter: (plugin: string, hook: string) => void log.push(`${name}+${plugin}.${hook}`),
      leave: (plugin: string) => void log.push(`${name}-${plugin}`),
    });
    const stop = site.observe(observer('x'));
    site.observe(observer('y'));
    const hook = new Hook('work', series, site);
    hook.facade('p').tap(async () => {
      await Promise.resolve();
      log.push('work');
    });
    await hook.call(1);
    expect(log).toEqual(['x+p.work', 'y+p.work', 'work', 'y-p', 'x-p']);
    stop();
    log.length = 0;
    await hook.call(1);
    expect(log).toEqual(['y+p.work', 'work', 'y-p']);
  });
});
