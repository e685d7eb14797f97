import { readFile } from 'node:fs/promises';
import { scheduleFactor } from '../schedule-factor.ts';
import { composite } from './composite.ts';
import { oneCycle, type OneCycleSchedule } from './one-cycle.ts';

type Case = readonly [
  total: number,
  pctStart: number,
  annealStrategy: NonNullable<OneCycleSchedule['annealStrategy']>,
  divFactor: number,
  finalDivFactor: number,
  threePhase: boolean,
  rates: readonly number[],
];

describe('oneCycle', () => {
  it("gives the rates of torch's OneCycleLR", async () => {
    const file = new URL('./one-cycle.test.fixture.json', import.meta.url);
    const { cases } = JSON.parse(await readFile(file, 'utf8')) as { readonly cases: readonly Case[] };
    expect(cases).toHaveLength(48);
    for (const [total, pctStart, annealStrategy, divFactor, finalDivFactor, threePhase, rates] of cases) {
      const factor = scheduleFactor(
        oneCycle({ pctStart, annealStrategy, divFactor, finalDivFactor, threePhase }),
        total,
      );
      for (const [iteration, rate] of rates.entries())
        expect(Math.abs(factor(iteration) / rate - 1)).toBeLessThan(1e-9);
    }
  });

  it('has torch defaults, and stays at its end', () => {
    const factor = scheduleFactor(oneCycle(), 100);
    expect(factor(0)).toBeCloseTo(0.04, 15);
    expect([29, 99, 100].map(factor)).toEqual([1, 4e-6, 4e-6]);
  });

  it('is defined where a phase has no length, and squeezed into a part of the run', () => {
    for (const pctStart of [0, 0.1, 1]) {
      const factor = scheduleFactor(oneCycle({ pctStart }), 10);
      for (let at = 0; at <= 10; at++) expect(factor(at)).toBeGreaterThan(0);
    }
    expect(scheduleFactor(oneCycle(), 1)(0)).toBeGreaterThan(0);
    const parts = composite({ schedules: [oneCycle(), oneCycle()], lengths: [0.5, 0.5] });
    expect(scheduleFactor(parts, 40)(25)).toBe(scheduleFactor(oneCycle(), 20)(5));
  });
});
