import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { compileRanksAddon } from '@hookline/native-runtime';
import { type Campaign, Choices, countOption } from '../lib/campaign.ts';
import { randomMoment } from '../lib/random-moment.ts';
import { differences, finishTraining, resultOf, SHORT, startTraining, tail, type Training } from '../lib/training.ts';

const RANKS = 2;
/** Other numbers of ranks, which divide the batch size. */
const OTHER_NUMBERS = [1, 4];
/** Seconds after which a job whose rank was killed counts as hanging. */
const HANGS_AFTER = 60;
/** Seconds within which all processes must be gone. mpirun kills them but does not wait for their end. */
const GONE_AFTER = 5;

/**
 * Sends SIGKILL or SIGTERM to one of two ranks at random moments and while a file is half written, resumes the training until it
 * is finished, and compares the results with those of an undisturbed training. They must be equal to the bit. All ranks must end,
 * and no process may remain. Then other numbers of ranks resume from a checkpoint. Needs `mpirun` and the addon that `hookline
 * setup` compiles for it.
 *
 * Option: `--count`, the number of kills (default 20; with `--quick`, 1 in a shorter training). One attack in four sends SIGTERM instead
 * and does not count.
 */
const ranks: Campaign = async (args, tally, folder) => {
  const count = countOption(args, 'count', args.quick ? 1 : 20);
  const { outcome, detail } = await compileRanksAddon();
  if (outcome !== 'used') {
    console.log(`nothing was tried: ${detail}`);
    return;
  }
  const set = args.quick ? SHORT : [];
  const choices = new Choices(args.seed, 'ranks');
  let kills = 0;
  await finishTraining(join(folder, 'whole'), set, RANKS);
  const whole = await resultOf(join(folder, 'whole'));
  for (let chain = 0; kills < count; chain++) {
    const output = join(folder, `chain-${chain}`);
    await mkdir(output);
    const wanted = Math.min(count - kills, 2 + choices.int(3));
    for (let done = 0; done < wanted; done++) {
      const training = startTraining(output, set, RANKS);
      const signal = choices.int(4) === 0 ? 'SIGTERM' : 'SIGKILL';
      const isHit = await attack(training, output, choices, signal);
      const end = await Promise.race([training.end, wait(HANGS_AFTER * 1000, undefined, { ref: false })]);
      if (end === undefined) {
        tally.fail(`chain ${chain} hangs after ${signal} to one rank`);
        for (const pid of processesOf(output)) process.kill(pid, 'SIGKILL');
      }
      const left = await whatStays(output);
      if (left.length > 0) tally.fail(`chain ${chain}: processes ${left.join(', ')} are left after ${signal}`);
      if (end?.status === 0 || end === undefined) break;
      if (!isHit) {
        tally.fail(`chain ${chain} could not go on, status ${end.status}:\n${tail(end.text)}`);
        break;
      }
      if (signal === 'SIGKILL') kills++;
      tally.count(signal);
      const expected = signal === 'SIGKILL' ? 137 : 143;
      if (end.status !== expected)
        tally.fail(`chain ${chain} ended with ${end.status} after ${signal} to one rank:\n${tail(end.text)}`);
      // The message for SIGKILL must name a rank; after SIGTERM, the first rank reports the signal itself.
      if (signal === 'SIGKILL' && !/rank [01]\b/.test(end.text))
        tally.fail(`chain ${chain} names no rank:\n${tail(end.text)}`);
    }
    // If the training had already finished, there is nothing left to train.
    const end = await startTraining(output, set, RANKS).end;
    if (end.status !== 0 && !end.text.includes('HKL_NOTHING_TO_TRAIN')) {
      tally.fail(`chain ${chain} could not be ended:\n${tail(end.text)}`);
      break;
    }
    const different = differences(whole, await resultOf(output));
    tally.count('chains');
    if (different.length === 0) tally.count('chains equal to the bit');
    else tally.fail(`chain ${chain} differs in ${different.join(', ')}`);
    await rm(output, { recursive: true });
  }
  for (const others of args.quick ? [] : OTHER_NUMBERS) {
    const problem = await goOnWith(others, join(folder, 'whole'), join(folder, `with-${others}`), whole);
    tally.count('goes on with another number of ranks');
    if (problem !== undefined) tally.fail(`${others} ranks do not go on from what ${RANKS} have saved: ${problem}`);
  }
};
export default ranks;

/** Resumes from the last numbered checkpoint of a run with another number of ranks. @returns the failures */
async function goOnWith(
  size: number,
  from: string,
  output: string,
  whole: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const names = (await readdir(from)).filter((name) => /^model_\d+\.safetensors$/.test(name)).sort();
  const last = names.at(-1);
  if (last === undefined) return 'it has saved nothing';
  await mkdir(output);
  for (const name of [last, 'metrics.json']) await copyFile(join(from, name), join(output, name));
  await writeFile(join(output, 'last_checkpoint'), last);
  const { text } = await finishTraining(output, [], size === 1 ? undefined : size);
  if (!text.includes(`was saved by ${RANKS} ranks`)) return `it does not say who has saved it:\n${tail(text)}`;
  const data = 'state hookline/data';
  const different = differences(whole[data], (await resultOf(output))[data]);
  return different.length === 0 ? undefined : `its position in the data differs in ${different.join(', ')}`;
}

/** Sends a signal to one rank at a random moment. @returns whether there was a rank to send it to */
async function attack(training: Training, output: string, choices: Choices, signal: NodeJS.Signals): Promise<boolean> {
  await randomMoment(training, output, choices, 1500);
  const rank = choices.int(RANKS);
  const pid = processesOf(output)[rank];
  if (pid === undefined) return false;
  process.kill(pid, signal);
  return true;
}

/** The process ids of ranks that still run {@link GONE_AFTER} seconds after their job has ended. */
async function whatStays(output: string): Promise<readonly number[]> {
  for (let waited = 0; waited < GONE_AFTER && processesOf(output).length > 0; waited += 0.1) await wait(100);
  return processesOf(output);
}

/** The process ids of the ranks that train into a folder. */
function processesOf(output: string): readonly number[] {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes(` train `) && line.includes(output) && !/mpirun|mpiexec/.test(line))
    .map((line) => Number.parseInt(line, 10));
}
