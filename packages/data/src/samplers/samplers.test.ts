import { RandomStream } from '@hookline/core';
import { BatchSampler, type BatchSamplerOptions } from './batch-sampler.ts';
import { InferenceSampler } from './inference-sampler.ts';
import { RandomSubsetTrainingSampler } from './random-subset-training-sampler.ts';
import { repeatFactors, RepeatFactorTrainingSampler } from './repeat-factor-training-sampler.ts';
import type { Sampler } from './sampler.ts';
import { TrainingSampler } from './training-sampler.ts';

const sorted = (list: Iterable<number>) => [...list].sort((a, b) => a - b);
const upTo = (size: number) => Array.from({ length: size }, (_, index) => index);
const random = (seed: number) => new RandomStream(seed, 'test');

describe('TrainingSampler', () => {
  it('gives every sample once per epoch, in another order each time, by the seed', () => {
    const sampler = new TrainingSampler(50, { random: random(1) });
    expect(sorted(sampler.epoch(0))).toEqual(upTo(50));
    expect(sampler.epoch(1)).not.toEqual(sampler.epoch(0));
    expect(new TrainingSampler(50, { random: random(1) }).epoch(7)).toEqual(sampler.epoch(7));
    expect(new TrainingSampler(50, { random: random(2) }).epoch(7)).not.toEqual(sampler.epoch(7));
    expect([...new TrainingSampler(3, { shuffle: false }).epoch(4)]).toEqual([0, 1, 2]);
  });

  it('shares the endless sequence among processes', () => {
    const world = 3;
    const ranks = upTo(world).map((rank) => new TrainingSampler(10, { rank, world, random: random(1) }));
    const whole = new TrainingSampler(10, { random: random(1) });
    for (let epoch = 0; epoch < 4; epoch++)
      expect(sorted(ranks.flatMap((each) => [...each.epoch(epoch)]))).toEqual(upTo(10));
    const sequence = upTo(4).flatMap((epoch) => [...whole.epoch(epoch)]);
    ranks.forEach((each, rank) => {
      const own = upTo(4).flatMap((epoch) => [...each.epoch(epoch)]);
      expect(own).toEqual(sequence.filter((_, place) => place % world === rank));
    });
    const alone = upTo(5).map((epoch) => [...new TrainingSampler(1, { rank: 1, world: 2 }).epoch(epoch)]);
    expect(alone).toEqual([[], [0], [], [0], []]);
  });

  it.each([0, -1, 1.5, NaN])('refuses size %p', (size) => {
    expect(() => new TrainingSampler(size)).toThrow(/HKL_SAMPLER_OPTION/);
    expect(() => new TrainingSampler(4, { rank: 2, world: 2 })).toThrow(/rank 2 is not one of 2/);
  });
});

describe('RandomSubsetTrainingSampler', () => {
  it('draws its part with the seed that there is when it begins, which resuming sets', () => {
    const resumed = random(7);
    const sampler = new RandomSubsetTrainingSampler(100, 0.3, { random: resumed });
    resumed.reseed(1);
    const whole = new RandomSubsetTrainingSampler(100, 0.3, { random: random(1) });
    expect(sampler.epoch(0)).toEqual(whole.epoch(0));
  });

  it('stays with its part and orders it anew in each epoch', () => {
    const sampler = new RandomSubsetTrainingSampler(100, 0.255, { random: random(1) });
    expect(sampler.subset).toHaveLength(25);
    expect(sorted(sampler.epoch(0))).toEqual(sorted(sampler.subset));
    expect(sorted(sampler.epoch(1))).toEqual(sorted(sampler.subset));
    expect(sampler.epoch(1)).not.toEqual(sampler.epoch(0));
    expect(() => new RandomSubsetTrainingSampler(10, 0.05)).toThrow(/gives an empty subset/);
    expect(() => new RandomSubsetTrainingSampler(10, 1.5)).toThrow(/at most 1/);
  });
});

describe('RepeatFactorTrainingSampler', () => {
  it('rounds at random, anew in each epoch', () => {
    const sampler = new RepeatFactorTrainingSampler([1, 2.5, 1], { random: random(1) });
    const counts = [0, 0, 0];
    for (let epoch = 0; epoch < 400; epoch++) for (const index of sampler.epoch(epoch)) counts[index]!++;
    expect([counts[0], counts[2]]).toEqual([400, 400]);
    expect(counts[1]! / 400).toBeCloseTo(2.5, 0);
    expect(new Set(upTo(20).map((epoch) => sampler.epoch(epoch).length))).toEqual(new Set([4, 5]));
    expect(() => new RepeatFactorTrainingSampler([0.5])).toThrow(/1 or more/);
  });

  it('has factors from the frequency of categories', () => {
    // Category 0 is in all four images, 1 in one of them.
    expect(repeatFactors([[0, 0], [0, 1], [0], [0]], 1)).toEqual([1, 2, 1, 1]);
    expect(repeatFactors([[], [1]], 0.5)).toEqual([1, 1]);
  });
});

describe('InferenceSampler', () => {
  it('gives each process a run of neighbours, the first ones one more', () => {
    const shards = upTo(4).map((rank) => [...new InferenceSampler(10, { rank, world: 4 }).epoch()]);
    expect(shards).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
      [8, 9],
    ]);
  });

  it.each([0, 1, 2])('shares %i samples among three processes, some of which have none', (size) => {
    const shards = upTo(3).map((rank) => new InferenceSampler(size, { rank, world: 3 }));
    expect(shards.map((each) => [...each.epoch()])).toEqual(upTo(3).map((rank) => (rank < size ? [rank] : [])));
    for (const each of shards) {
      const batches = new BatchSampler(each, { batchSize: 2 });
      const all = [...each.epoch()];
      expect([batches.next(), batches.next()]).toEqual(all.length > 0 ? [all, undefined] : [undefined, undefined]);
    }
  });

  it.each([-1, 0.5, NaN, Infinity])('refuses size %p', (size) =>
    expect(() => new InferenceSampler(size)).toThrow(/HKL_SAMPLER_OPTION.*from 0 up/),
  );
});

describe('BatchSampler', () => {
  const take = (sampler: BatchSampler, count: number) => upTo(count).map(() => sampler.next());

  it('does not wait for ever for a sampler that always has another epoch of nothing', () => {
    const nothing: Sampler = { infinite: true, epoch: () => new Uint32Array(0) };
    expect(() => new BatchSampler(nothing, { batchSize: 2 }).next()).toThrow(/HKL_SAMPLER_EMPTY/);
    // One of a hundred processes gets the one sample in every hundredth epoch.
    const rare = new BatchSampler(new TrainingSampler(1, { rank: 7, world: 100 }), { batchSize: 2 });
    expect(take(rare, 3)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('fills batches across epochs when the sampler is endless', () => {
    const sampler = new BatchSampler(new TrainingSampler(5, { shuffle: false }), { batchSize: 2 });
    expect(take(sampler, 5)).toEqual([
      [0, 1],
      [2, 3],
      [4, 0],
      [1, 2],
      [3, 4],
    ]);
  });

  it('ends with what is left when it is not, and begins again', () => {
    const all = new BatchSampler(new InferenceSampler(3), { batchSize: 2 });
    expect(take(all, 4)).toEqual([[0, 1], [2], undefined, [0, 1]]);
    const full = new BatchSampler(new InferenceSampler(3), { batchSize: 2, dropLast: true });
    expect(take(full, 3)).toEqual([[0, 1], undefined, [0, 1]]);
  });

  it('keeps groups apart and loses nobody', () => {
    const groups = [1, 1, 1, 0, 0, 0, 0];
    const sampler = new BatchSampler(new TrainingSampler(7, { random: random(1) }), { batchSize: 2, groups });
    const batches = take(sampler, 70) as number[][];
    for (const [a, b] of batches) expect(groups[a!]).toBe(groups[b!]);
    const counts = upTo(7).map((index) => batches.flat().filter((each) => each === index).length);
    for (const count of counts) expect(Math.abs(count - 20)).toBeLessThanOrEqual(2);
    const finite = new BatchSampler(new InferenceSampler(7), { batchSize: 2, groups });
    expect(take(finite, 5)).toEqual([[0, 1], [3, 4], [5, 6], [2], undefined]);
  });

  const cases: [string, () => Sampler, BatchSamplerOptions][] = [
    ['training', () => new TrainingSampler(11, { random: random(3) }), { batchSize: 4 }],
    [
      'groups',
      () => new TrainingSampler(11, { random: random(3) }),
      { batchSize: 3, groups: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1] },
    ],
    ['repeats', () => new RepeatFactorTrainingSampler([1, 1.5, 3.2, 1], { random: random(3) }), { batchSize: 3 }],
    ['subset', () => new RandomSubsetTrainingSampler(20, 0.5, { random: random(3) }), { batchSize: 3 }],
    ['inference', () => new InferenceSampler(8), { batchSize: 3 }],
  ];
  it.each(cases)('goes on exactly from any state: %s', (_, make, options) => {
    const sampler = new BatchSampler(make(), options);
    const states = [];
    const batches: unknown[] = [];
    for (let step = 0; step < 12; step++) {
      states.push(JSON.parse(JSON.stringify(sampler.state())));
      batches.push(sampler.next());
    }
    states.forEach((state, step) => {
      const resumed = new BatchSampler(make(), options);
      resumed.restore(state);
      expect(take(resumed, 12 - step)).toEqual(batches.slice(step));
    });
  });

  it('refuses a batch size that is none', () => {
    expect(() => new BatchSampler(new InferenceSampler(3), { batchSize: 0 })).toThrow(/HKL_DATA_BATCH_SIZE/);
  });
});
