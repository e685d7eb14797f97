import { EventStorage } from '../storage/event-storage.ts';
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

it('a loss that is not finite ends the training at its iteration, also where its losses are not stored', async () => {
  const logger = new ConsoleLogger({ level: 'silent' });
  const step = ({ iteration }: { iteration: number }) => (iteration === 4 ? Number.NaN : 1);
  const trainer = new TrainerBase({ step, maxIterations: 9, metricsPeriod: 3, logger });
  await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_LOSS_NOT_FINITE' });
  expect(trainer.iteration).toBe(4);
  expect(trainer.storage.iteration).toBe(4);
});
