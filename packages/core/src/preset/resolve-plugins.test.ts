import { definePlugin } from '../plugin/define-plugin.ts';
import { definePreset } from './define-preset.ts';
import type { PluginInput, Preset } from './preset.ts';
import type { PluginEntry } from '../plugin/plugin.ts';
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
const ids = (list: readonly Pick<PluginEntry, 'plugin'>[]) =>
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

  it('is settled by the same change to each of the two, also by leaving it out', () => {
    const [left, right] = [1, 2].map((period) =>
      definePreset({
        name: `preset-${period}`,
        version: '1',
        extends: [base().configure('saver', { period })],
        plugins: [],
      })(),
    );
    const both = (change: (preset: Preset) => Preset) => resolvePlugins([change(left!), change(right!)]);
    expect(() => both((preset) => preset)).toThrow(/Settle it in the list that uses both, .* on each of them alike/);
    expect(ids(both((preset) => preset.without('saver')))).toEqual(['timer', 'writer']);
    expect(both((preset) => preset.configure('saver', { period: 5 }))[1]?.plugin.options).toMatchObject({ period: 5 });
    const mine = make('my-saver')();
    expect(ids(both((preset) => preset.replace('saver', mine)))).toEqual(['timer', 'my-saver', 'writer']);
  });

  it('joins the options of one preset that is made twice, and refuses two values of one option', () => {
    const keeping = definePreset<Record<string, unknown>>({
      name: 'keeping',
      version: '1',
      plugins: (options) => [saver(options)],
    });
    const over = (name: string, options: Record<string, unknown>) =>
      definePreset({ name, version: '1', extends: [keeping(options)], plugins: [] })();
    const joined = resolvePlugins([over('a', { period: 3 }), over('b', { keep: 2 }), over('c', {})]);
    expect(joined.map(({ plugin }) => plugin.options)).toEqual([{ period: 3, keep: 2 }]);
    const [three, four] = [over('a', { period: 3 }), over('b', { period: 4 })];
    expect(() => resolvePlugins([three, four])).toThrow(
      /\[HKL_PRESET_CONFLICT\] @x\/plugin-saver: a > keeping and b > keeping make it differently \(option period\).* on one of them/,
    );
    const settled = resolvePlugins([three.configure('saver', { period: 9 }), four]);
    expect(settled.map(({ plugin }) => plugin.options)).toEqual([{ period: 9 }]);
  });

  it('takes of defaults what nobody lists, changes, replaces or leaves out', () => {
    const defaults = { addedBy: 'trainer', inputs: [timer(), saver({ period: 1 }), writer()], isDefault: true };
    const listed = (...inputs: PluginInput[]) =>
      resolvePlugins(inputs, [defaults]).map(({ plugin, addedBy }) => [ids([{ plugin }])[0], addedBy]);
    expect(listed()).toEqual([
      ['timer', 'trainer'],
      ['saver', 'trainer'],
      ['writer', 'trainer'],
    ]);
    expect(listed(saver({ period: 2 }))).toEqual([
      ['timer', 'trainer'],
      ['writer', 'trainer'],
      ['saver', 'you'],
    ]);
    expect(listed(base().without('timer').replace('writer', make('my-writer')()))).toEqual([
      ['saver', 'base'],
      ['my-writer', 'base'],
    ]);
    expect(() => resolvePlugins([timer()], [{ ...defaults, isDefault: false }])).toThrow(/by trainer and by you/);
  });

  it('refuses duplicates, and takes instances for what they are', () => {
    expect(() => resolvePlugins([timer(), timer()])).toThrow(
      /\[HKL_PLUGIN_DUPLICATE\] @x\/plugin-timer: it is listed twice, by you and by you/,
    );
    expect(() => resolvePlugins([base(), timer()])).toThrow(/listed twice, by base and by you/);
    const other = definePreset({ name: 'other', version: '1', plugins: [timer()] });
    expect(() => resolvePlugins([base(), other()])).toThrow(
      /listed twice, by base and by other\. Leave it out of one of them: \.without\('timer'\)/,
    );
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
