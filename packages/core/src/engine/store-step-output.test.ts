import { definePlugin } from '../plugin/define-plugin.ts';
import { storageRef } from '../services/core-services.ts';
import { EventStorage } from '../events/event-storage.ts';
import type { StepOutput } from '../step-runner.ts';
import { ConsoleLogger } from '../services/logger.ts';
import { storeStepOutput } from './store-step-output.ts';
import { TrainerBase } from './trainer-base.ts';

const stored = (output: StepOutput): Record<string, number> => {
  const storage = new EventStorage();
  storeStepOutput(storage, output);
  return Object.fromEntries([...storage.latest()].map(([name, { value }]) => [name, value]));
};

describe('storeStepOutput', () => {
  it('stores a single loss as the total alone, and several by name with their sum', () => {
    expect(stored({ losses: { loss_cls: 0.5 } })).toEqual({ total_loss: 0.5 });
    expect(stored({ losses: { loss_cls: 0.5, loss_box: 2 } })).toEqual({ loss_cls: 0.5, loss_box: 2, total_loss: 2.5 });
  });

  it('leaves alone a total that the step names itself: among the losses, beside them, or among the metrics', () => {
    const own = { critic: 0.5, generator: 2, total_loss: 7 };
    expect(stored({ losses: own })).toEqual(own);
    const { total_loss: totalLoss, ...losses } = own;
    expect(stored({ losses, totalLoss })).toEqual(own);
    expect(stored({ losses, metrics: { total_loss: 7 } })).toEqual(own);
    expect(stored({ losses: { critic: 0.5 }, totalLoss })).toEqual({ critic: 0.5, total_loss: 7 });
    expect(stored({ losses: {}, metrics: { reward: 3 } })).toEqual({ reward: 3 });
  });

  it('stores the seconds spent waiting for data, and metrics beside the losses', () => {
    expect(stored({ losses: { total_loss: 1 }, dataTime: 0.25, metrics: { '[metric]norm': 4 } })).toEqual({
      data_time: 0.25,
      total_loss: 1,
      '[metric]norm': 4,
    });
  });

  it('takes the total of the step runner, and reads nothing of what is on the device', () => {
    const unread = {
      read: (): number => {
        throw new Error('read without being asked');
      },
    };
    const storage = new EventStorage();
    storeStepOutput(storage, { losses: { a: unread, b: unread }, totalLoss: { read: () => 7 } });
    expect(storage.names()).toEqual(['a', 'b', 'total_loss']);
    expect(storage.history('total_loss').latest()).toBe(7);
    storage.discardPending();
  });
});

it.each([
  [1, [0, 1, 2, 3, 4, 5, 6]],
  [3, [2, 5]],
])('a trainer with metricsPeriod %i stores the losses of iterations %j of seven', async (metricsPeriod, iterations) => {
  const logger = new ConsoleLogger({ level: 'silent' });
  const trainer = new TrainerBase({ step: () => 1, maxIterations: 7, metricsPeriod, logger });
  await trainer.train();
  expect(
    trainer.storage
      .history('total_loss')
      .values()
      .map(({ iteration }) => iteration),
  ).toEqual(iterations);
});

it('a trainer frees once what it does not store, after afterStep has seen it, and leaves alone what a tap stored', async () => {
  const freed: string[] = [];
  const lazy = (name: string) => ({ read: () => 1, dispose: () => void freed.push(name) });
  const seen: number[] = [];
  const keep = definePlugin({
    name: 'keep',
    version: '1.0.0',
    requires: { storage: storageRef },
    setup({ hooks, storage }) {
      hooks.afterStep.tap(({ iteration }, { losses }) => {
        seen.push(freed.filter((name) => name.endsWith(String(iteration))).length);
        storage.putScalar('kept', losses['kept'] ?? 0);
        if (iteration === 1) throw new Error('enough');
      });
    },
  });
  const step = ({ iteration }: { iteration: number }) => {
    const shared = lazy(`shared ${iteration}`);
    return {
      losses: { kept: lazy(`kept ${iteration}`), a: shared },
      totalLoss: shared,
      metrics: { m: lazy(`metric ${iteration}`), n: 3 },
    };
  };
  const logger = new ConsoleLogger({ level: 'silent' });
  const trainer = new TrainerBase({ step, maxIterations: 9, metricsPeriod: 5, plugins: [keep()], logger });
  await expect(trainer.train()).rejects.toThrow('enough');
  expect(seen).toEqual([0, 0]);
  expect(freed.slice(0, 4)).toEqual(['shared 0', 'metric 0', 'shared 1', 'metric 1']);
  expect(freed.slice(4).sort()).toEqual(['kept 0', 'kept 1']);
  expect(trainer.storage.history('kept').length).toBe(2);
});

it('a loss that is not finite ends the training at its iteration, also where its losses are not stored', async () => {
  const logger = new ConsoleLogger({ level: 'silent' });
  const step = ({ iteration }: { iteration: number }) => (iteration === 4 ? Number.NaN : 1);
  const trainer = new TrainerBase({ step, maxIterations: 9, metricsPeriod: 3, logger });
  await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_LOSS_NOT_FINITE' });
  expect(trainer.iteration).toBe(4);
  expect(trainer.storage.iteration).toBe(4);
});
