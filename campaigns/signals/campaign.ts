import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Campaign, Choices, countOption } from '../lib/campaign.ts';
import { differences, finishTraining, resultOf, SHORT, startTraining, tail } from '../lib/training.ts';

/** The exit status of a training after each signal: 128 plus the signal's number. */
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Sends SIGINT, SIGTERM and SIGHUP at random moments. Each must end the training gracefully with a checkpoint. The resumed
 * training must give the same results, to the bit, as an uninterrupted one.
 *
 * Option: `--count`, the number of signals (default 24; with `--quick`, 3 in a shorter training).
 */
const signals: Campaign = async (args, tally, folder) => {
  const count = countOption(args, 'count', args.quick ? 3 : 24);
  const set = args.quick ? SHORT : [];
  const choices = new Choices(args.seed, 'signals');
  const names = Object.keys(STATUS) as (keyof typeof STATUS)[];
  await finishTraining(join(folder, 'whole'), set);
  const whole = await resultOf(join(folder, 'whole'));
  for (let trial = 0; trial < count; trial++) {
    const output = join(folder, `trial-${trial}`);
    const name = names[trial % names.length] ?? 'SIGINT';
    const delay = choices.between(0, 600);
    const training = startTraining(output, set);
    await training.begun;
    await Promise.race([training.end, wait(delay)]);
    training.process.kill(name);
    const { status, signal, text } = await training.end;
    tally.count(name);
    const where = `${name} after ${delay.toFixed(0)} ms`;
    if (status === 0) tally.count('ended before the signal came');
    else if (status !== STATUS[name]) tally.fail(`${where} ended with ${status ?? signal}:\n${tail(text)}`);
    else if (!/saved .*go on with|nothing was saved: no step was done/s.test(text)) {
      tally.fail(`${where}: the last lines do not say what was saved:\n${tail(text)}`);
    }
    if (status !== 0) await finishTraining(output, set);
    const different = differences(whole, await resultOf(output));
    if (different.length === 0) tally.count('equal to the bit');
    else tally.fail(`${where}: the resumed training differs in ${different.join(', ')}`);
    await rm(output, { recursive: true });
  }
};
export default signals;
