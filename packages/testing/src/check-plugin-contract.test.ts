import { definePlugin, defineState, randomRef, storageRef } from '@hookline/core';
import { modelRef, stepScopeRef, type tf } from '@hookline/tfjs';
import { z } from 'zod';
import { checkPluginContract } from './check-plugin-contract.ts';
import { weightsOf } from './tiny-training.ts';

/** Sums random numbers; `keeps` says whether the sum is saved. */
const walker = (keeps: boolean) =>
  definePlugin({
    name: 'walker',
    version: '1.0.0',
    requires: { storage: storageRef, random: randomRef },
    setup({ hooks, storage, random }) {
      let sum = 0;
      hooks.afterStep.tap(() => storage.putScalar('walk', (sum += random.float())));
      if (!keeps) return {};
      const schema = z.number().min(0);
      return { state: defineState({ schema, save: () => sum, load: (saved) => void (sum = saved) }) };
    },
  })();

describe('checkPluginContract', () => {
  it('passes a plugin that resumes exactly', async () => {
    await checkPluginContract({ plugin: () => walker(true) });
  });

  it('tells at which iterations a plugin loses its state', async () => {
    await expect(checkPluginContract({ plugin: () => walker(false), iterations: 3 })).rejects.toThrow(
      /\[HKL_CONTRACT\] walker: resuming after iteration 0: differs: .*resuming after iteration 1: differs/,
    );
  });

  it('tells of a plugin that takes any option, and of one that fails to close', async () => {
    const lax = definePlugin({
      name: 'lax',
      version: '1.0.0',
      options: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
      setup: () => ({
        dispose: () => {
          throw new Error('stuck');
        },
      }),
    });
    await expect(checkPluginContract({ plugin: () => lax(), iterations: 2 })).rejects.toThrow(
      /an unknown option: is accepted; training twice: .*stuck/,
    );
  });

  it('tries plugins that use tensors as they are, and waits for what is observed of them', async () => {
    /** Adds a number that is not saved to the loss; the weights differ after a resume, and no scalar would tell. */
    const pushing = (isSaved: boolean) =>
      definePlugin({
        name: 'pushing',
        version: '1.0.0',
        requires: { scope: stepScopeRef, model: modelRef },
        setup({ hooks, scope, model }) {
          let pushed = 0;
          const push = scope.value.input('pushing/push', () => pushed);
          hooks.losses.tap(({ total_loss: loss }) => {
            const [weight] = [...model.value.trainable().values()];
            return {
              total_loss: (loss as tf.Scalar).add((weight as tf.Variable).sum().mul(push.tensor())) as tf.Scalar,
            };
          });
          hooks.afterStep.tap(() => void (pushed += 0.1));
          const schema = z.number().min(0);
          return isSaved
            ? { state: defineState({ schema, save: () => pushed, load: (saved) => void (pushed = saved) }) }
            : {};
        },
      })();
    await checkPluginContract({ plugin: () => pushing(true), iterations: 3, observe: weightsOf });
    await expect(
      checkPluginContract({ plugin: () => pushing(false), iterations: 3, observe: weightsOf }),
    ).rejects.toThrow(/pushing: resuming after iteration 0: differs: .*linear\/kernel/);
  });

  it('tells of a plugin that takes junk for its state', async () => {
    const trusting = definePlugin({
      name: 'trusting',
      version: '1.0.0',
      setup: () => ({ state: { save: () => 1, load: () => undefined } }),
    });
    await expect(checkPluginContract({ plugin: () => trusting(), iterations: 2 })).rejects.toThrow(
      /junk as its state: loads "junk", -5, NaN, \[\{\}\], \{"junk":true\}; give its state a schema/,
    );
  });
});
