import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compileRanksAddon } from '@hookline/native-runtime';
import { selectDevice } from '@hookline/tfjs';
import { evaluations } from './evaluations.test.support.ts';
import type { Resumed } from './resumed.test.support.ts';
import { type Outcome, SCENARIOS, train, UNEQUAL } from './scenarios.test.support.ts';

const device = await selectDevice('auto');
const runs = (command: string): boolean => spawnSync(command, ['--version']).status === 0;
const addon = runs('mpirun') ? await compileRanksAddon() : undefined;
/** Why ranks cannot be started here; empty if they can. */
const missing = device.native
  ? addon === undefined
    ? 'there is no mpirun'
    : addon.value === undefined
      ? addon.detail
      : ''
  : 'there is no native TensorFlow';

/** The outcome of each scenario on each of two ranks. All scenarios share one job, since starting one takes seconds. */
const found = new Map<string, readonly Outcome[]>();

const describeRanks = missing === '' ? describe : describe.skip;

describeRanks(`two ranks${missing === '' ? '' : ` (skipped: ${missing})`}`, () => {
  beforeAll(() => {
    const program = fileURLToPath(new URL('rank.test.support.ts', import.meta.url));
    const args = ['-np', '2', '--oversubscribe', process.execPath, '--import', 'tsx', program];
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      TF_NUM_INTRAOP_THREADS: '1',
      TF_NUM_INTEROP_THREADS: '1',
      HOOKLINE_RANK_TIMEOUT: '120',
    };
    const { stdout, stderr, status } = spawnSync('mpirun', args, { encoding: 'utf8', env, maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`mpirun ended with ${String(status)}: ${stderr}`);
    for (const line of stdout.trim().split('\n')) {
      const outcomes = line.split('\t').map((text) => JSON.parse(text) as Outcome & { readonly name: string });
      found.set(outcomes[0]?.name ?? '', outcomes);
    }
  }, 300_000);

  const of = (name: string): readonly [Outcome, Outcome] => found.get(name) as [Outcome, Outcome];

  it.each(Object.entries(SCENARIOS))(
    '%s: half a batch each equals one process with all of it',
    async (name, scenario) => {
      const [first, second] = of(name);
      expect([first.error, second.error]).toEqual(['', '']);
      expect(second.digest).toBe(first.digest);
      expect(second.losses).toEqual(first.losses);
      const alone = await train(scenario);
      expect(distance(first.weights, alone.weights)).toBeLessThan(1e-5);
      expect(first.losses).toHaveLength(alone.losses.length);
      expect(distance(first.losses, alone.losses)).toBeLessThan(1e-5);
    },
    60_000,
  );

  it('gives the same bits when it runs again, and with other buckets', () => {
    const [first] = of('mlp, captured');
    expect(of('again')[0]).toEqual({ ...first, name: 'again' });
    expect(of('mlp, captured, in many buckets')[0].digest).toBe(first.digest);
  });

  it('evaluates parts of the data with the results of one process, on every rank', async () => {
    await selectDevice('cpu');
    const alone = await evaluations();
    for (const { results } of found.get('evaluations') as unknown as readonly { readonly results: unknown }[])
      expect(results).toEqual(JSON.parse(JSON.stringify(alone)));
  });

  it('go on from the middle of an accumulation with the bits of the run that saved it', () => {
    for (const { whole, resumed, weights } of found.get('accumulation, resumed') as unknown as readonly Resumed[]) {
      expect(resumed).toBe(whole);
      // Saving replaces each rank's sums with the mean of all ranks, which is equal up to rounding.
      expect(distance(weights[1], weights[0])).toBeLessThan(1e-6);
    }
  });

  it.each(['an uneven batch', 'batch norms of their own'])('%s leaves the ranks equal to the bit', (name) => {
    const [first, second] = of(name);
    expect([first.error, first.losses.length]).toEqual(['', 20]);
    expect(second).toEqual(first);
  });

  it.each(Object.keys(UNEQUAL).filter((name) => name.startsWith('NaN')))('%s fails the step on both', (name) => {
    const [first, second] = of(name);
    expect(first.error).toMatch(/HKL_(LOSS|GRADIENT)_NOT_FINITE/);
    expect(second.error).toMatch(/HKL_(LOSS|GRADIENT)_NOT_FINITE/);
    expect(second.digest).toBe(first.digest);
    expect(first.error).toContain('step of rank 1: the loss became');
    expect(second.error).toContain('step of rank 1: the loss became');
    expect(first.weights.every(Number.isFinite)).toBe(true);
  });

  it.each(Object.keys(UNEQUAL).filter((name) => name.includes('failing loader')))(
    '%s ends the step of both, which keep the weights that they had before it',
    (name) => {
      const [first, second] = of(name);
      expect(first.error).toMatch(/^HKL_RANK_FAILED .*rank 1: it has failed: .*no such picture/);
      expect(second.error).toContain('no such picture');
      expect(first.losses).toEqual(of('mlp, captured')[0].losses.slice(0, 5));
      expect(second.digest).toBe(first.digest);
    },
  );
});

/** The length of the difference as a share of the second's length. */
function distance(values: readonly number[], expected: readonly number[]): number {
  const length = (list: readonly number[]): number => Math.hypot(...list);
  return length(values.map((value, place) => value - (expected[place] ?? NaN))) / length(expected);
}
