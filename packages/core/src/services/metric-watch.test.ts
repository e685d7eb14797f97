import { TrainerBase } from '../engine/trainer-base.ts';
import { evaluationRef } from './core-services.ts';
import { ConsoleLogger } from './logger.ts';
import { MetricWatch } from './metric-watch.ts';

const watching = async (metric = 'accuracy') => {
  const lines: string[] = [];
  const logger = new ConsoleLogger({ live: false, stream: { write: (text: string) => lines.push(text.trimEnd()) } });
  const trainer = new TrainerBase({ step: () => 1, maxIterations: 1, logger });
  const evaluation = await trainer.service(evaluationRef);
  const { storage } = trainer;
  const watch = new MetricWatch({ metric, storage, evaluation, logger });
  return { trainer, storage, watch, lines };
};
const at = (iteration: number) => ({ iteration });

describe('MetricWatch', () => {
  it('gives each value once', async () => {
    const { storage, watch } = await watching();
    await watch.begin();
    expect(watch.look()).toEqual([]);
    storage.putScalar('accuracy', 0.5, at(3));
    storage.putScalar('accuracy', 0.6, at(4));
    expect(watch.look()).toEqual([
      { value: 0.5, iteration: 3 },
      { value: 0.6, iteration: 4 },
    ]);
    expect(watch.look()).toEqual([]);
    storage.putScalar('accuracy', 0.6, at(5));
    expect(watch.look()).toEqual([{ value: 0.6, iteration: 5 }]);
  });

  it('passes over what was there before, and goes on where a checkpoint was', async () => {
    const { storage, watch } = await watching();
    storage.putScalar('accuracy', 0.5, at(3));
    await watch.begin();
    expect(watch.look()).toEqual([]);
    const resumed = await watching();
    resumed.storage.putScalar('accuracy', 0.5, at(3));
    resumed.storage.putScalar('accuracy', 0.7, at(4));
    resumed.watch.seen = 1;
    await resumed.watch.begin();
    expect(resumed.watch.look()).toEqual([{ value: 0.7, iteration: 4 }]);
  });

  it('waits for a value that is still on its way', async () => {
    const { storage, watch } = await watching();
    await watch.begin();
    let disposed = 0;
    const read = () => new Promise<number>((done) => setTimeout(() => done(0.9), 5));
    storage.putScalar('accuracy', { read, dispose: () => void disposed++ }, at(2));
    const looked = watch.look();
    expect(looked).toBeInstanceOf(Promise);
    expect(await looked).toEqual([{ value: 0.9, iteration: 2 }]);
    expect(disposed).toBe(1);
  });

  it('warns once when an evaluation did not give it, with the name that may be meant', async () => {
    const { trainer, storage, watch, lines } = await watching('acuracy');
    await watch.begin();
    watch.warnWhereMissing();
    expect(lines).toEqual([]);
    await trainer.evaluate();
    storage.putScalar('accuracy', 0.5);
    await watch.look();
    watch.warnWhereMissing();
    watch.warnWhereMissing(true);
    expect(lines).toEqual([
      'warning: there is no metric "acuracy": the evaluation did not give it. Did you mean "accuracy"? Known: accuracy',
    ]);
  });

  it('warns at the end when nothing put it, and not when something did', async () => {
    const missing = await watching();
    missing.watch.warnWhereMissing(true);
    expect(missing.lines).toHaveLength(1);
    const found = await watching();
    found.storage.putScalar('accuracy', 1);
    await found.watch.look();
    found.watch.warnWhereMissing(true);
    expect(found.lines).toEqual([]);
  });
});
