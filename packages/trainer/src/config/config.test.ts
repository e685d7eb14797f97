import { z } from 'zod';
import { autoScale } from './auto-scale.ts';
import { defineConfig } from './define-config.ts';

const digits = defineConfig(
  { solver: { maxIterations: 700, baseLr: 0.1 }, data: { root: 'here' } },
  { data: { root: z.string(), limit: z.int().default(9) }, model: { width: z.int().default(32) } },
);

describe('defineConfig', () => {
  it("fills in detectron2's defaults and keeps what is given", () => {
    const config = digits.resolve();
    expect(config.solver).toMatchObject({
      maxIterations: 700,
      baseLr: 0.1,
      momentum: 0.9,
      weightDecay: 1e-4,
      steps: [30_000],
      warmupIterations: 1000,
    });
    expect(config.data).toEqual({ root: 'here', limit: 9 });
    expect(config.model).toEqual({ weights: '', syncBatchNorm: false, width: 32 });
    expect(config.data.root satisfies string).toBe('here');
  });

  it('refuses unknown and ill-typed values with their path', () => {
    expect(() => defineConfig({ solver: { maxIterations: -1 } }).resolve()).toThrow(
      /\[HKL_CONFIG_INVALID\] config: "solver\.maxIterations": /,
    );
    expect(() => defineConfig({ solvr: {} } as never).resolve()).toThrow(
      /\[HKL_CONFIG_KEY_UNKNOWN\] config: there is no key "solvr"\. Did you mean "solver"\?/,
    );
    expect(() => defineConfig({ solver: { clipGradients: { enabeld: true } } } as never).resolve()).toThrow(
      'there is no key "solver.clipGradients.enabeld". Did you mean "enabled"? Known: enabled, normType, type, value.',
    );
    expect(() => defineConfig({}, { data: { root: z.string() } }).resolve()).toThrow(/"data\.root"/);
    expect(() => defineConfig({}, { seed: { x: z.string() } }).resolve()).toThrow(/"seed" is a key of every config/);
  });
});

describe('overrides', () => {
  it('reach every key, as JSON or as text', () => {
    const config = digits.resolve([
      'solver.steps=[1, 2]',
      'data.root=/a=b',
      'data.limit=3',
      'solver.clipGradients.enabled=true',
      'solver.weightDecayBias=0.5',
      'model.weights=123',
    ]);
    expect(config.solver).toMatchObject({
      steps: [1, 2],
      clipGradients: { enabled: true, value: 1 },
      weightDecayBias: 0.5,
      baseLr: 0.1,
    });
    expect(config.data).toEqual({ root: '/a=b', limit: 3 });
    expect(config.model.weights).toBe('123');
    expect(digits.resolve().data.root).toBe('here');
  });

  it.each([
    ['test', ['test']],
    ['val,test', ['val', 'test']],
    [' val , test ', ['val', 'test']],
    ['2007', ['2007']],
    ['["a,b", "c"]', ['a,b', 'c']],
    ['[val,test]', ['val', 'test']],
    ['', []],
    ['[]', []],
  ])('read "%s" as a list', (text, list) => {
    expect(digits.resolve([`datasets.test=${text}`]).datasets.test).toEqual(list);
  });

  it('read lists of numbers', () => {
    expect(digits.resolve(['solver.steps=10,20']).solver.steps).toEqual([10, 20]);
    expect(digits.resolve(['solver.steps=10']).solver.steps).toEqual([10]);
    expect(() => digits.resolve(['solver.steps=10,soon'])).toThrow(
      /--set solver\.steps: 10,soon does not fit: .*number/,
    );
  });

  it.each([
    ['solver.basLr=1', /\[HKL_CONFIG_KEY_UNKNOWN\] --set: there is no key "solver\.basLr".*Did you mean "baseLr"\?/],
    ['__proto__.polluted=1', /\[HKL_CONFIG_KEY_UNKNOWN\] --set: there is no key "__proto__\.polluted"/],
    ['solver.__proto__.polluted=1', /there is no key "solver\.__proto__\.polluted"/],
    ['constructor.prototype.polluted=1', /HKL_CONFIG_KEY_UNKNOWN/],
    ['solver.baseLr.x=1', /"solver\.baseLr" is a value, not a section/],
    ['solver.baseLr=fast', /\[HKL_CONFIG_INVALID\] --set solver\.baseLr: fast does not fit/],
    ['solver.baseLr', /\[HKL_CONFIG_SET\] --set: "solver\.baseLr" is not an assignment/],
    ['=1', /HKL_CONFIG_SET/],
  ])('refuse %s', (override, message) => {
    expect(() => digits.resolve([override])).toThrow(message);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('autoScale', () => {
  it('scales learning rate and iterations, rounding half to even', () => {
    const config = defineConfig({
      solver: {
        batchSize: 32,
        referenceBatchSize: 16,
        baseLr: 0.02,
        maxIterations: 90_001,
        warmupIterations: 1003,
        steps: [5, 7],
      },
      test: { evalPeriod: 9 },
      checkpoint: { period: 11 },
    }).resolve();
    const scaled = autoScale(config);
    expect(scaled.solver).toMatchObject({
      baseLr: 0.04,
      maxIterations: 45_000,
      warmupIterations: 502,
      steps: [2, 4],
      referenceBatchSize: 32,
    });
    expect([scaled.test.evalPeriod, scaled.checkpoint.period]).toEqual([4, 6]);
    expect(autoScale(scaled)).toBe(scaled);
  });
});

describe('values for a kind of device', () => {
  const sized = digits
    .on('wasm', { solver: { maxIterations: 70, steps: [40] }, data: { limit: 3 } })
    .on('wasm', { solver: { baseLr: 0.5 } })
    .on('gpu', { solver: { batchSize: 256 } });

  it('hold on that kind alone, section by section, and under what is set', () => {
    expect(sized.resolve()).toEqual(digits.resolve());
    expect(sized.resolve([], 'cpu')).toEqual(digits.resolve());
    const config = sized.resolve(['data.limit=5'], 'wasm');
    expect(config.solver).toMatchObject({ maxIterations: 70, steps: [40], baseLr: 0.5, batchSize: 16, momentum: 0.9 });
    expect(config.data).toEqual({ root: 'here', limit: 5 });
    expect(sized.resolve([], 'gpu').solver).toMatchObject({ maxIterations: 700, batchSize: 256 });
    expect(digits.devices).toEqual([]);
    expect([sized.devices, sized.valuesOn('cpu')]).toEqual([['wasm', 'gpu'], undefined]);
  });

  it('are checked like the others', () => {
    expect(() => digits.on('wasm', { solver: { baseLr: -1 } }).resolve([], 'wasm')).toThrow(/"solver\.baseLr"/);
    expect(() => digits.on('wasm', { solvr: {} } as never).resolve([], 'wasm')).toThrow(/solvr/);
  });
});
