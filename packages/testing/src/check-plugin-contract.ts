import { HooklineError, type Plugin, type PluginInput, type TrainerBase } from '@hookline/core';
import { tf } from '@hookline/tfjs';
import { type Costs, costsOf } from './contract/contract-costs.ts';
import { passesErrorsOn } from './contract/contract-errors.ts';
import { type ContractCheck, type ContractReport, reportOf, writeReport } from './contract/contract-report.ts';
import { refusesJunk, resumesEverywhere } from './contract/contract-resume.ts';
import {
  bareLoop,
  type Contract,
  type ContractTrainerOptions,
  latestScalars,
  makeTrainer,
  tapsInsideOf,
  trainsOnRanks,
  usesTensors,
} from './contract/contract-trainer.ts';
import { firstDifference } from './contract/first-difference.ts';
import { tinyTraining } from './tiny-training.ts';
import { withTemporaryFolder } from './temporary-folder.ts';

/** Options of {@link checkPluginContract}. */
export interface ContractOptions {
  /** Makes a new instance of the plugin: `() => earlyStopping({ metric: 'loss' })`. */
  readonly plugin: () => Plugin;
  /** Other plugins that it needs. Default: none. */
  readonly beside?: () => readonly PluginInput[];
  /**
   * Makes a trainer with these plugins, whose steps are captured according to `capture`. Default: {@link tinyTraining}, with real
   * tensors, if the plugins tap hooks inside the step, or require or replace a service that the bare loop lacks, such as the model; otherwise a bare loop
   * whose loss is 1 / (iteration + 1).
   */
  readonly trainer?: (options: ContractTrainerOptions) => TrainerBase;
  /** Number of iterations of each run. Default 6. */
  readonly iterations?: number;
  /** Returns a value that must be equal after resuming, in addition to plugin state; may be async. Default: the latest scalars. */
  readonly observe?: (trainer: TrainerBase) => unknown;
}

/**
 * Tests a plugin the way trainers use it, and reports all violations of these rules:
 *
 * 1. It rejects an unknown option.
 * 2. Two trainings in one trainer complete and are disposed of without an error.
 * 3. A run that is saved and resumed at any iteration ends with the same plugin state and the same scalars as an uninterrupted
 *    run, to the bit, with eager steps and, if the plugin taps hooks inside the step, with captured steps.
 * 4. Captured steps compute the same as eager steps.
 * 5. It rejects invalid data as its state before loading it.
 * 6. An error of another plugin, in any hook, ends the training and is not hidden.
 * 7. It leaves no tensors, neither after a step nor at the end, and no listeners of the process.
 * 8. Two ranks that train with it, within this process, complete, end with the same weights and resume. The second rank writes only
 *    files with `rank1` in their name.
 *
 * It also measures how often the plugin's taps wait for the device and how long they take between two steps.
 *
 * @returns the result of each check, and a table for the plugin's README. If the environment variable `HOOKLINE_CONTRACT_REPORT` is set, the
 * table is appended to that file
 * @throws HooklineError `HKL_CONTRACT` that lists the violations
 */
export async function checkPluginContract(given: ContractOptions): Promise<ContractReport> {
  const { plugin, beside = () => [], iterations = 6, observe = latestScalars } = given;
  const tried = { plugin, beside, iterations, observe };
  const hasTensors = given.trainer !== undefined || (await usesTensors(tried));
  const contract: Contract = { ...tried, trainer: given.trainer ?? (hasTensors ? tinyTraining : bareLoop) };
  const checks: ContractCheck[] = [];
  const attempt = async (what: string, body: () => Promise<Verdict>): Promise<void> => {
    let verdict: Verdict;
    try {
      verdict = await body();
    } catch (error) {
      verdict = error instanceof Error ? error.message : String(error);
    }
    if (verdict === undefined) checks.push({ what, outcome: 'held', detail: '' });
    else if (typeof verdict === 'string') checks.push({ what, outcome: 'broken', detail: verdict });
    else checks.push({ what, ...verdict });
  };
  let eager: unknown;
  await attempt('refuses unknown options', () => refusesUnknownOption(contract));
  await attempt('trains twice in one trainer', () => trainsTwice(contract));
  await attempt('resumes exactly', async () => {
    const { whole, problems } = await resumesEverywhere(contract, 'off');
    eager = whole;
    return problems.length > 0 ? problems.join('; ') : held(`${iterations - 1} of ${iterations - 1} iterations`);
  });
  const inside = await tapsInsideOf(contract).catch(() => []);
  const skip = whyNotCaptured(inside);
  let captured: unknown;
  await attempt('resumes exactly, captured', async () => {
    if (skip !== undefined) return skip;
    const { whole, problems, capturedSteps } = await resumesEverywhere(contract, 'required');
    if (capturedSteps === 0)
      return skipped('no step was captured: the trainer has to hand `capture` on, and the run to be long enough');
    captured = whole;
    return problems.length > 0 ? problems.join('; ') : held(`${iterations - 1} of ${iterations - 1} iterations`);
  });
  await attempt('computes the same captured', () => {
    if (skip !== undefined || captured === undefined) return Promise.resolve(skip ?? skipped('nothing was captured'));
    const difference = firstDifference(eager, captured);
    return Promise.resolve(
      difference === undefined ? held(inside.join(', ')) : `eager steps give other numbers: ${difference}`,
    );
  });
  await attempt('refuses junk as its state', async () => {
    const problem = await refusesJunk(contract);
    return problem === null ? skipped('it has no state') : problem;
  });
  await attempt('lets errors of others through', async () => {
    const { tried: phases, problems } = await passesErrorsOn(contract, hasTensors);
    return problems.length > 0 ? problems.join('; ') : held(`${phases} phases`);
  });
  const costs = await costsOf(contract).catch((error: unknown) => (error as Error).message);
  await attempt('leaves nothing behind', () =>
    Promise.resolve(typeof costs === 'string' ? skipped(costs) : leaksOf(costs)),
  );
  await attempt('trains on two ranks', () => trainsOnRanks(contract));
  if (typeof costs !== 'string') {
    checks.push(measured('waits for the device, times per step', costs.syncsPerStep.toFixed(2).replace(/\.?0+$/, '')));
    checks.push(measured('takes between two steps, microseconds', costs.microseconds.toFixed(0)));
  }
  const report = reportOf(plugin().name, checks);
  await writeReport(report);
  const problems = checks.filter(({ outcome }) => outcome === 'broken');
  if (problems.length === 0) return report;
  throw new HooklineError('HKL_CONTRACT', problems.map(({ what, detail }) => `${what}: ${detail}`).join('; '), {
    who: plugin().name,
    fix: 'Correct the plugin, or check what its test leaves out',
  });
}

/** Undefined if the check passed, a text that says what is wrong, or an outcome with its detail. */
type Verdict = undefined | string | Pick<ContractCheck, 'outcome' | 'detail'>;

const held = (detail: string): Verdict => ({ outcome: 'held', detail });
const skipped = (detail: string): Verdict => ({ outcome: 'skipped', detail });
const measured = (what: string, detail: string): ContractCheck => ({ what, outcome: 'measured', detail });

async function refusesUnknownOption(contract: Contract): Promise<Verdict> {
  const { definition, options: given, instance, ...rest } = contract.plugin();
  const odd = { ...rest, options: { ...(given as object | undefined), 'no-such-option': 1 }, definition, instance };
  try {
    await makeTrainer({ ...contract, plugin: () => odd }, 'unused', { iterations: 1 }).prepare();
  } catch (error) {
    return error instanceof HooklineError && ['HKL_OPTION_UNKNOWN', 'HKL_OPTION_INVALID'].includes(error.code)
      ? undefined
      : String(error);
  }
  return 'one is accepted';
}

async function trainsTwice(contract: Contract): Promise<Verdict> {
  return withTemporaryFolder(async (output) => {
    const trainer = makeTrainer(contract, output);
    await trainer.train();
    await trainer.train({ maxIterations: contract.iterations * 2 });
    return undefined;
  });
}

/** Says why no step is captured for a plugin; undefined if steps can be captured. */
function whyNotCaptured(inside: readonly string[]): Verdict {
  if (inside.length === 0) return skipped('it taps nothing inside of the step');
  return tf.getBackend() === 'tensorflow' ? undefined : skipped('only native TensorFlow captures steps');
}

function leaksOf({ tensorsPerStep, tensorsLeft, listenersLeft }: Costs): Verdict {
  const problems = [
    ...(tensorsPerStep > 0 ? [`${tensorsPerStep} tensors more after each step`] : []),
    ...(tensorsLeft > 0 ? [`${tensorsLeft} tensors when the trainer has been disposed of`] : []),
    ...(listenersLeft > 0 ? [`${listenersLeft} listeners of the process`] : []),
  ];
  return problems.length === 0 ? undefined : `leaves ${problems.join(', ')}`;
}
