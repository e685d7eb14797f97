// In a program, Hookline installs its random functions before other code uses those of TensorFlow.js. This dynamic import does
// the same here, because the test runner would load TensorFlow.js before the first statement of any static import.
const randomOps = '../../packages/tfjs/src/scope/random-ops.ts';
await import(randomOps);
const { selectDevice } = await import('@hookline/tfjs');
const { FAMILIES } = await import('./families.ts');
const { difference, startTraining } = await import('./training.ts');

beforeAll(() => selectDevice('cpu'));

/** Recurrent nets, for which a few training steps take as long as twenty steps of the other nets. */
const LONG = /lstm|gru|bidirectional|rnn|masked/;

it('has at least twenty families', () => {
  expect(new Set(FAMILIES.map(({ name }) => name)).size).toBeGreaterThanOrEqual(20);
});

it.each(FAMILIES.map((family) => [family.name, family] as const))(
  'captures %s, equal to eager',
  async (name, family) => {
    const run = async (capture: 'off' | 'auto') => {
      const training = startTraining(family, capture);
      const losses: number[] = [];
      for (let step = 0; step < (LONG.test(name) ? 4 : 20); step++) losses.push(await training.step());
      const values = training.values();
      const { reason } = training;
      await training.close();
      return { losses, values, reason };
    };
    const eager = await run('off');
    const captured = await run('auto');
    expect(captured.reason).toBeUndefined();
    expect(difference(captured.losses, eager.losses)).toBeLessThan(1e-6);
    expect(difference(captured.values, eager.values)).toBeLessThan(1e-6);
  },
);
