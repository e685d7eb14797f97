import { selectDevice, tf } from '@hookline/tfjs';
import { faultCases, runFault } from './plugin-faults.ts';

beforeAll(() => selectDevice('auto'));

const isNative = (): boolean => tf.getBackend() === 'tensorflow';

describe.each(['off', 'required'] as const)('a plugin fault with capture %s', (capture) => {
  it.each(faultCases().map((each) => [`${each.hook} ${each.fault}`, each] as const))('%s', async (_, each) => {
    // Without native TensorFlow no step is captured.
    const { outcome, message } = await runFault(each, isNative() ? capture : 'off');
    expect([outcome, message]).toEqual([each.outcome, message]);
  });
});
