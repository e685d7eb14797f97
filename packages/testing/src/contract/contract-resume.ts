import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  checkpointsRef,
  definePlugin,
  isHooklineError,
  type JsonValue,
  type Plugin,
  tapsRef,
  readCheckpoint,
  writeCheckpoint,
} from '@hookline/core';
import { saveAt } from '../save-at.ts';
import { type Contract, makeTrainer, runAndLook, saveAtEnd } from './contract-trainer.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';

/** Saves after every step, as `step-0` and so on. */
const saveSteps = definePlugin({
  name: '@hookline/testing/save-steps',
  version: '0.1.0',
  requires: { checkpoints: checkpointsRef },
  setup({ hooks, checkpoints }) {
    hooks.afterStep.tap(async ({ iteration }) => void (await checkpoints.save(`step-${iteration}`, { tag: false })));
  },
});

/** The results of the resumed runs. */
export interface Resumed {
  /** The plugin's state and the observed value at the end of the uninterrupted run. */
  readonly whole: unknown;
  /** Iterations from which a resumed run ended differently. */
  readonly problems: readonly string[];
  /** Number of steps of the uninterrupted run that were replayed from a graph, so that no tap inside the step was called. */
  readonly capturedSteps: number;
}

/** Counts the steps in which no tap of the plugin inside the step is called. */
function countCaptured(id: string): { readonly plugin: Plugin; readonly steps: () => number } {
  const inside: ReadonlySet<string> = new Set(['batch', 'losses', 'gradients', 'update', 'afterUpdate']);
  let [isCalled, steps] = [false, 0];
  const plugin = definePlugin({
    name: '@hookline/testing/count-captured',
    version: '0.1.0',
    requires: { taps: tapsRef },
    setup({ hooks, taps }) {
      hooks.afterStep.tap(() => {
        if (!isCalled) steps++;
        isCalled = false;
      });
      const enter = (by: string, hook: string): void => {
        if (by === id && inside.has(hook)) isCalled = true;
      };
      return { dispose: taps.observe({ enter, leave: () => undefined }) };
    },
  })();
  return { plugin, steps: () => steps };
}

/** Trains without interruption, then resumes after every iteration except the last, and compares the final values, which must be equal to the bit. */
export async function resumesEverywhere(contract: Contract, capture: 'off' | 'required'): Promise<Resumed> {
  return withTemporaryFolder(async (output) => {
    const captured = countCaptured(contract.plugin().id);
    const make = (isWhole: boolean) =>
      // Use the same plugins, so that no state is missing when the run resumes.
      makeTrainer(contract, output, {
        capture,
        more: [...(isWhole ? [saveSteps(), captured.plugin] : []), saveAtEnd()],
      });
    const whole = await runAndLook(contract, make(true), output);
    const capturedSteps = captured.steps();
    const problems: string[] = [];
    for (let at = 0; at < contract.iterations - 1; at++) {
      try {
        const resumed = make(false);
        await resumed.load(join(output, `step-${at}.safetensors`));
        const after = await runAndLook(contract, resumed, output);
        if (!isDeepStrictEqual(after, whole))
          problems.push(`after iteration ${at}: differs: ${JSON.stringify(after)} instead of ${JSON.stringify(whole)}`);
      } catch (error) {
        problems.push(`after iteration ${at}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return { whole, problems, capturedSteps };
  });
}

/** Values that no plugin with a state can have saved. */
const JUNK: readonly JsonValue[] = ['junk', -5, Number.NaN, [{}], { junk: true }];

/** Loads invalid data as the plugin's state, which it must reject. @returns the violation; null for a plugin without a state */
export async function refusesJunk(contract: Contract): Promise<string | null | undefined> {
  const { id } = contract.plugin();
  return withTemporaryFolder(async (output) => {
    await makeTrainer(contract, output, { more: [saveAt(contract.iterations - 1)] }).train();
    const file = join(output, 'mid.safetensors');
    const { manifest, tensors } = await readCheckpoint(file);
    const entry = manifest.entries['hookline/plugins'];
    const states = entry?.data as Readonly<Record<string, { readonly data: JsonValue }>>;
    const own = states[id];
    if (own === undefined) return null;
    const accepted: string[] = [];
    for (const data of JUNK) {
      const changed = { ...entry, data: { ...states, [id]: { ...own, data } } };
      const entries = { ...manifest.entries, 'hookline/plugins': changed };
      await writeCheckpoint(file, { manifest: { ...manifest, entries }, tensors });
      const trainer = makeTrainer(contract, output, { more: [saveAt(-1)] });
      try {
        await trainer.load(file);
        accepted.push(typeof data === 'number' ? String(data) : JSON.stringify(data));
      } catch (error) {
        if (!isHooklineError(error)) throw error;
      } finally {
        await trainer.close();
      }
    }
    return accepted.length === 0 ? undefined : `loads ${accepted.join(', ')}; give its state a schema`;
  });
}
