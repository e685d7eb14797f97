import { provide, replace } from './provider.ts';
import { type OwnedProvider, ServiceContainer } from './service-container.ts';
import { defineService } from './service-ref.ts';

const a = defineService<number>('a', { description: 'a' });
const b = defineService<number>('b', { description: 'b' });
const list = (...providers: [string, OwnedProvider['provider']][]): OwnedProvider[] =>
  providers.map(([owner, provider]) => ({ owner, provider }));

describe('ServiceContainer', () => {
  it('makes a service once, after those it uses', async () => {
    let made = 0;
    const container = new ServiceContainer(
      list(['x', provide(b, ({ a: value }) => ++made && value + 1, { a })], ['y', provide(a, () => 41)]),
    );
    await container.start(b, 'me');
    expect(container.get(b, 'me')).toBe(42);
    expect(container.get(b, 'me')).toBe(42);
    expect(made).toBe(1);
  });

  it('awaits async factories, in the order of dependencies', async () => {
    const container = new ServiceContainer(
      list(
        ['x', provide(b, async ({ a: value }) => Promise.resolve(value * 2), { a })],
        [
          'y',
          provide(a, async () => {
            await new Promise((done) => setTimeout(done, 5));
            return 21;
          }),
        ],
      ),
    );
    await container.start(b, 'me');
    expect(container.get(b, 'me')).toBe(42);
  });

  it('replaces, in a chain, and hands over the original', async () => {
    const container = new ServiceContainer(
      list(
        ['core', provide(a, async () => Promise.resolve(1))],
        ['p', replace(a, (original) => original + 10)],
        ['q', replace(a, async (original, { b: extra }) => Promise.resolve(original * extra), { b })],
        ['core', provide(b, () => 3)],
      ),
    );
    await container.start(a, 'me');
    expect(container.get(a, 'me')).toBe(33);
    expect(container.describe()[0]).toEqual({ id: 'a', description: 'a', providedBy: 'core', replacedBy: ['p', 'q'] });
  });

  it('names who asks for a missing service, the way to it, and what may be meant', async () => {
    const container = new ServiceContainer(list(['x', provide(b, ({ a: value }) => value, { a })]));
    await expect(container.start(b, 'plugin-p')).rejects.toThrow(
      /\[HKL_SERVICE_MISSING\] x: nobody provides the service "a" \(needed by b\)/,
    );
    const typo = defineService('bb', { description: '' });
    expect(() => container.get(typo, 'me')).toThrow(/Did you mean "b"\?/);
  });

  it('refuses cycles, two providers and a replacement of nothing', async () => {
    const circular = new ServiceContainer(
      list(['x', provide(a, ({ b: v }) => v, { b })], ['y', provide(b, ({ a: v }) => v, { a })]),
    );
    await expect(circular.start(a, 'me')).rejects.toThrow(/\[HKL_SERVICE_CYCLE\] .*a -> b -> a/);
    expect(() => new ServiceContainer(list(['x', provide(a, () => 1)], ['y', provide(a, () => 2)]))).toThrow(
      /\[HKL_SERVICE_DUPLICATE\] y: service "a" is already provided by x\. Use replace/,
    );
    expect(() => new ServiceContainer(list(['y', replace(a, () => 2)]))).toThrow(/HKL_SERVICE_NOTHING_TO_REPLACE/);
  });

  it('keeps the cause of a factory that fails', async () => {
    const cause = new Error('no such file');
    const container = new ServiceContainer(
      list([
        'x',
        provide(a, () => {
          throw cause;
        }),
      ]),
    );
    await expect(container.start(a, 'me')).rejects.toMatchObject({ code: 'HKL_SERVICE_FAILED', who: 'x', cause });
  });
});
