import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Campaign, Choices, countOption } from '../lib/campaign.ts';
import { randomMoment } from '../lib/random-moment.ts';
import { differences, finishTraining, resultOf, SHORT, startTraining, tail } from '../lib/training.ts';

/**
 * Kills trainings with SIGKILL at random moments and while a file is half written, resumes each until it is finished, and
 * compares the results with those of an undisturbed training. They must be equal to the bit.
 *
 * Option: `--count`, the number of kills (default 120; with `--quick`, 4 in a shorter training).
 */
const kills: Campaign = async (args, tally, folder) => {
  const count = countOption(args, 'count', args.quick ? 4 : 120);
  const set = args.quick ? SHORT : [];
  const choices = new Choices(args.seed, 'kills');
  await finishTraining(join(folder, 'whole'), set);
  const whole = await resultOf(join(folder, 'whole'));
  for (let chain = 0; (tally.counts['kills'] ?? 0) < count; chain++) {
    const output = join(folder, `chain-${chain}`);
    await mkdir(output);
    const wanted = 4 + choices.int(5);
    let killed = 0;
    while (killed < wanted && (tally.counts['kills'] ?? 0) < count) {
      const training = startTraining(output, set);
      await randomMoment(training, output, choices, 900);
      training.process.kill('SIGKILL');
      const { signal, status, text } = await training.end;
      if (signal === 'SIGKILL') {
        killed++;
        tally.count('kills');
      } else if (status === 0) break;
      else {
        tally.fail(`chain ${chain} could not go on after ${killed} kills, status ${status}:\n${tail(text)}`);
        break;
      }
    }
    // If the training had already finished, there is nothing left to train.
    const end = await startTraining(output, set).end;
    if (end.status !== 0 && !end.text.includes('HKL_NOTHING_TO_TRAIN')) {
      tally.fail(`chain ${chain} could not be ended after ${killed} kills:\n${tail(end.text)}`);
      continue;
    }
    const different = differences(whole, await resultOf(output));
    tally.count('chains');
    if (different.length === 0) tally.count('chains equal to the bit');
    else tally.fail(`chain ${chain} differs after ${killed} kills in ${different.join(', ')}`);
    await rm(output, { recursive: true });
  }
};
export default kills;
