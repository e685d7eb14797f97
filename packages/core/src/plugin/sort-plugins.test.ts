import { definePlugin } from './define-plugin.ts';
import { sortPlugins } from './sort-plugins.ts';

interface Order {
  readonly before?: string[];
  readonly after?: string[];
  readonly provides?: string[];
}

const plugin = (name: string, order: Order = {}) => ({
  plugin: definePlugin({ name, version: '1.0.0', ...order, setup() {} })(),
});
const order = (...items: ReturnType<typeof plugin>[]) => sortPlugins(items).map(({ plugin: { name } }) => name);

describe('sortPlugins', () => {
  it('keeps the order of listing where nobody asks for another', () => {
    expect(order(plugin('c'), plugin('a'), plugin('b'))).toEqual(['c', 'a', 'b']);
  });

  it('puts a plugin before and after names, short names and labels, and moves nothing else', () => {
    expect(
      order(
        plugin('writer', { provides: ['writing'], after: ['evaluation'] }),
        plugin('x'),
        plugin('@hookline/plugin-evaluator', { provides: ['evaluation'] }),
        plugin('best', { after: ['evaluator'], before: ['writing'] }),
      ),
    ).toEqual(['x', '@hookline/plugin-evaluator', 'best', 'writer']);
  });

  it('sorts chains through plugins that are listed later', () => {
    expect(order(plugin('a', { after: ['b'] }), plugin('b', { after: ['c'] }), plugin('c'))).toEqual(['c', 'b', 'a']);
  });

  it('gives the reasons', () => {
    const placed = sortPlugins([plugin('w', { after: ['evaluation'] }), plugin('e', { provides: ['evaluation'] })]);
    expect(placed.map(({ plugin: { name }, reasons }) => [name, ...reasons])).toEqual([
      ['e', 'before w (evaluation)'],
      ['w', 'after e (evaluation)'],
    ]);
  });

  it('knows the standard labels and those marked as optional, also when nobody provides them', () => {
    expect(order(plugin('a', { after: ['checkpointing', 'acme-metrics?'] }))).toEqual(['a']);
  });

  it('refuses a misspelt label with a suggestion', () => {
    expect(() => order(plugin('a', { after: ['evaluatoin'] }))).toThrow(
      /\[HKL_LABEL_UNKNOWN\] a: after: nobody here is called, or provides, "evaluatoin"\. .*Did you mean "evaluation"\?/,
    );
  });

  it('names the plugins of a cycle', () => {
    expect(() =>
      order(plugin('x'), plugin('a', { after: ['b'] }), plugin('b', { after: ['c'] }), plugin('c', { after: ['a'] })),
    ).toThrow(
      /\[HKL_ORDER_CYCLE\] .*(a -> c -> b -> a|b -> a -> c -> b|c -> b -> a -> c|a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)/,
    );
  });
});
