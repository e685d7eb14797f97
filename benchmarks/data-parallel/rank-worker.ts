import { writeSync } from 'node:fs';
import { callback, ConsoleLogger, dataParallel, TrainerBase } from 'hookline';
import { adam, allReduceMean, joinRanks, layersModel, selectDevice, sgd, tf, tfjsRuntime } from '@hookline/tfjs';
import { median } from '../lib/index.ts';
import { batchOf, findNet, lossOf } from '../steps/nets.ts';

// One rank of the benchmark. Arguments: NET=STEPS times a net, BYTES times an all-reduce alone. The first rank writes one line of JSON.
const ranks = await joinRanks();
await selectDevice('cpu');
const WARM_UP = 12;
const figures: Record<string, number> = {};
for (const job of process.argv.slice(2)) {
  const [name = '', steps] = job.split('=');
  await ranks.barrier(name);
  figures[name] = steps === undefined ? allReduceTime(Number(name)) : await stepTime(name, Number(steps));
}
if (ranks.rank === 0) writeSync(1, `${JSON.stringify(figures)}\n`);
process.exit(0);

/** Milliseconds per step, from the end of one step to the end of the next. */
async function stepTime(name: string, steps: number): Promise<number> {
  const net = findNet(name);
  const ends: number[] = [];
  const runtime = tfjsRuntime({
    model: () =>
      layersModel(net.build(), { loss: (out: tf.Tensor, { y }: { readonly y: tf.Tensor }) => lossOf(net, out, y) }),
    optimizer: (model) =>
      net.optimizer === 'adam'
        ? adam(model, { learningRate: 1e-3 })
        : sgd(model, { learningRate: 0.01, momentum: 0.9 }),
    data: [batchOf(net, ranks.rank + 1)],
    repeat: true,
    capture: 'required',
  });
  const trainer = new TrainerBase({
    maxIterations: WARM_UP + steps,
    seed: 1,
    logger: new ConsoleLogger({ level: 'silent' }),
    services: runtime.services,
    plugins: [...runtime.plugins, dataParallel(), callback({ afterStep: () => void ends.push(performance.now()) })],
  });
  await trainer.train();
  await trainer.dispose();
  return median(ends.slice(WARM_UP).map((end, place) => end - (ends[WARM_UP + place - 1] ?? end)));
}

function allReduceTime(bytes: number): number {
  const tensor = tf.fill([bytes / 4], ranks.rank + 1);
  const times = Array.from({ length: bytes > 1e7 ? 8 : 60 }, () => {
    const begin = performance.now();
    tf.dispose(allReduceMean([tensor]));
    return performance.now() - begin;
  });
  return median(times.slice(2));
}
