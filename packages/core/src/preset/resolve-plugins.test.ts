import { definePlugin } from '../plugin/define-plugin.ts';
import { definePreset } from './define-preset.ts';
import { resolvePlugins } from './resolve-plugins.ts';
import type { StandardSchemaV1 } from '@standard-schema/spec';

const anyOptions = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
} as StandardSchemaV1<Record<string, unknown> | undefined, Record<string, unknown>>;
const make = (name: string) => definePlugin({ name, version: '1.0.0', options: anyOptions, setup() {} });
const [timer, saver, writer] = [make('@x/plugin-timer'), make('@x/plugin-saver'), make('@x/plugin-writer')];
const base = definePreset({
  name: 'base',
  version: '1.0.0',
  plugins: [timer({ warmup: 3 }), saver({ period: 10, keep: 2 }), writer()],
});
const ids = (list: ReturnType<typeof resolvePlugins>) =>
  list.map(({ plugin }) => plugin.name.replace('@x/plugin-', ''));

describe('resolvePlugins', () => {
  it('flattens lists, presets and falsy entries, and says who added each', () => {
    const list = resolvePlugins([
      null,
      [timer()],
      false,
      definePreset({ name: 'p', version: '1', plugins: [saver()] })(),
    ]);
    expect(list.map(({ plugin, addedBy }) => [plugin.name, addedBy])).toEqual([
      ['@x/plugin-timer', 'you'],
      ['@x/plugin-saver', 'p'],
    ]);
  });

  it('leaves out, configures shallowly and replaces by short name, and keeps places', () => {
    const mine = make('my-writer');
    const list = resolvePlugins([base().without('timer').configure('saver', { period: 5 }).replace('writer', mine())]);
    expect(ids(list)).toEqual(['saver', 'my-writer']);
    expect(list[0]?.plugin.options).toEqual({ period: 5, keep: 2 });
    expect(list.map(({ changes }) => changes)).toEqual([['configured: period'], ['in place of @x/plugin-writer']]);
  });

  it('refuses a name that the preset does not hold, with a suggestion', () => {
    expect(() => resolvePlugins([base().without('svaer')])).toThrow(
      /\[HKL_PRESET_NAME_UNKNOWN\] base: \.without\('svaer'\).*Did you mean "saver"\?/,
    );
    expect(() => resolvePlugins([base().configure('nothing', {})])).toThrow(/HKL_PRESET_NAME_UNKNOWN/);
  });

  it('extends presets, and edits what they hold', () => {
    const vision = definePreset({
      name: 'vision',
      version: '1',
      extends: [base().without('timer')],
      plugins: [make('ema')()],
    });
    const list = resolvePlugins([vision().configure('saver', { keep: 9 })]);
    expect(ids(list)).toEqual(['saver', 'writer', 'ema']);
    expect(list.map(({ addedBy }) => addedBy)).toEqual(['vision > base', 'vision > base', 'vision']);
    expect(list[0]?.plugin.options).toEqual({ period: 10, keep: 9 });
  });

  it('counts a preset once that is reached twice, and keeps the change made on one way', () => {
    const left = definePreset({ name: 'left', version: '1', extends: [base().without('timer')], plugins: [] });
    const right = definePreset({ name: 'right', version: '1', extends: [base()], plugins: [] });
    expect(ids(resolvePlugins([left(), right()]))).toEqual(['saver', 'writer']);
    expect(ids(resolvePlugins([right(), left()]))).toEqual(['saver', 'writer']);
  });

  it('refuses two different changes to one plugin of a preset that is reached twice', () => {
    const left = definePreset({
      name: 'left',
      version: '1',
      extends: [base().configure('saver', { period: 1 })],
      plugins: [],
    });
    const right = definePreset({
      name: 'right',
      version: '1',
      extends: [base().configure('saver', { period: 2 })],
      plugins: [],
    });
    expect(() => resolvePlugins([left(), right()])).toThrow(
      /\[HKL_PRESET_CONFLICT\] @x\/plugin-saver: left > base and right > base/,
    );
  });

  it('refuses duplicates, and takes instances for what they are', () => {
    expect(() => resolvePlugins([timer(), timer()])).toThrow(
      /\[HKL_PLUGIN_DUPLICATE\] @x\/plugin-timer: it is listed twice, by you and by you/,
    );
    expect(() => resolvePlugins([base(), timer()])).toThrow(/listed twice, by base and by you/);
    expect(resolvePlugins([base(), timer({}, { instance: 'second' })])).toHaveLength(4);
  });

  it('takes back what a preset leaves out', () => {
    expect(ids(resolvePlugins([base().without('timer'), timer({ warmup: 9 })]))).toEqual(['saver', 'writer', 'timer']);
  });

  it('refuses what is no plugin, and guesses a factory that was not called', () => {
    expect(() => resolvePlugins([timer as never])).toThrow(/a function is no plugin\. Call it/);
    expect(() => resolvePlugins([42 as never])).toThrow(/42 is no plugin/);
  });
});
