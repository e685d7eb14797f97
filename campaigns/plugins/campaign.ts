import { faultCases, runFault } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import { type Campaign, Choices, countOption } from '../lib/campaign.ts';

/**
 * Trains with a plugin that has each possible fault in each hook of the engine, eagerly and captured. Each training must
 * end with an error that names the plugin and the hook, unless the fault has no effect in that hook.
 *
 * Option: `--count`, the number of cases, chosen at random (default all; 24 with `--quick`).
 */
const plugins: Campaign = async (args, tally) => {
  await selectDevice('auto');
  const choices = new Choices(args.seed, 'plugins');
  const modes = tf.getBackend() === 'tensorflow' ? (['off', 'required'] as const) : (['off'] as const);
  const cases = modes.flatMap((capture) => faultCases().map((each) => ({ ...each, capture })));
  const count = Math.min(cases.length, countOption(args, 'count', args.quick ? 24 : cases.length));
  for (let trial = 0; trial < count; trial++) {
    const [each] = cases.splice(choices.int(cases.length), 1);
    if (each === undefined) break;
    const { outcome, message } = await runFault(each, each.capture);
    tally.count(outcome === 'named' ? 'faults named' : `faults ${outcome}`);
    if (outcome !== each.outcome) {
      const { hook, fault, capture } = each;
      tally.fail(`a tap of ${hook} that ${fault}, capture ${capture}: ${outcome}, not ${each.outcome}. ${message}`);
    }
  }
};
export default plugins;
