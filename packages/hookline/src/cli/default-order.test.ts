import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  anomalyGuard,
  callback,
  ClassificationEvaluator,
  ConsoleLogger,
  dataParallel,
  detectionTta,
  earlyStopping,
  ema,
  epochs,
  exportBest,
  freeze,
  functionModel,
  gradientAccumulation,
  gradientClipping,
  lossScaling,
  lrFinder,
  memoryStats,
  mlflow,
  modelSummary,
  plots,
  type PluginInput,
  predictionPictures,
  presetDefault,
  profiler,
  reduceOnPlateau,
  selectDevice,
  sgd,
  SimpleTrainer,
  stochasticWeightAveraging,
  tf,
  timeLimit,
  validationLoss,
  weightHistograms,
} from '../index.ts';
import { formatDescription } from './format-description.ts';

/** The default preset with all of its optional plugins. */
const preset = () =>
  presetDefault({
    lrScheduler: { schedule: { type: 'cosine' } },
    preciseBn: { loader: [] },
    evaluator: { loader: [], evaluators: new ClassificationEvaluator() },
    bestCheckpointer: { metric: 'accuracy' },
  });

/** Every other plugin of this repository, in an arbitrary order. */
const others = (): readonly PluginInput[] => [
  exportBest({ formats: ['graph-model'] }),
  profiler(),
  plots(),
  reduceOnPlateau({ metric: 'accuracy' }),
  memoryStats(),
  modelSummary(),
  earlyStopping({ metric: 'accuracy' }),
  detectionTta({ loader: [], evaluator: new ClassificationEvaluator() }),
  predictionPictures({ loader: [] }),
  lossScaling(),
  timeLimit({ hours: 1 }),
  validationLoss({ loader: [] }),
  gradientClipping(),
  freeze({ rules: [{ names: 'w' }] }),
  dataParallel(),
  gradientAccumulation({ steps: 2 }),
  ema(),
  stochasticWeightAveraging({ evaluate: false }),
  callback({ afterStep: () => undefined }),
  weightHistograms(),
  lrFinder(),
  mlflow({ url: 'http://localhost:5000' }),
  epochs(),
  anomalyGuard(),
];

/** The part of the output of `hookline inspect` that lists the plugins with the reasons for their order. */
async function inspectedOrder(plugins: readonly PluginInput[]): Promise<string> {
  await selectDevice('auto');
  const trainer = new SimpleTrainer({
    maxIterations: 1,
    capture: 'off',
    model: () => functionModel({ variables: { w: tf.variable(tf.scalar(1)) }, losses: () => tf.scalar(1) }),
    optimizer: (model) => sgd(model, { learningRate: 1 }),
    data: [],
    plugins,
    logger: new ConsoleLogger({ level: 'silent' }),
  });
  const text = formatDescription(await trainer.describe());
  await trainer.close();
  await trainer.dispose();
  // Takes the lines before the hooks: the head of each plugin, and `why here`, which may continue on lines that are indented further.
  const lines = text.slice(0, text.indexOf('\n\nHooks')).split('\n');
  let isReason = false;
  const kept = lines.filter((line) => {
    if (/^ {5}\S/.test(line)) isReason = line.trim().startsWith('why here');
    return /^ *\d+\. /.test(line) || isReason;
  });
  return kept.map((line) => line.replace(/ \d+\.\d+\.\d+(:.*)?$/, '')).join('\n');
}

const ORDER = `
  1. tfjs/state
     why here    as listed
  2. profiler
     why here    before iteration-timer (timing), lr-scheduler (schedule), gradient-clipping
                 (gradients), ema (averaging), ema/swa (averaging), precise-bn (statistics),
                 checkpointer (checkpointing), evaluator (evaluation), memory-stats (metrics),
                 callback (metrics), weight-histograms (metrics), early-stopping (stopping),
                 time-limit (stopping), plots (writing), mlflow (writing), writers (writing)
  3. model-summary
     why here    as listed
  4. detection-tta
     why here    before evaluator (evaluation)
  5. validation-loss
     why here    as listed
  6. gradient-accumulation
     why here    before loss-scaling (accumulation), freeze (accumulation), data-parallel
                 (accumulation), lr-scheduler (schedule), gradient-clipping (gradients), ema
                 (averaging), ema/swa (averaging), precise-bn (statistics), checkpointer
                 (checkpointing), weight-histograms (accumulation), anomaly-guard (accumulation)
  7. freeze
     why here    after gradient-accumulation (accumulation); before loss-scaling (scaling),
                 gradient-clipping (gradients), ema (averaging), ema/swa (averaging), precise-bn
                 (statistics), checkpointer (checkpointing)
  8. data-parallel
     why here    after gradient-accumulation (accumulation); before loss-scaling (scaling),
                 lr-scheduler (schedule), gradient-clipping (gradients), ema (averaging), ema/swa
                 (averaging), precise-bn (statistics), checkpointer (checkpointing), anomaly-guard
                 (reduction)
  9. loss-scaling
     why here    after gradient-accumulation (accumulation), freeze (scaling), data-parallel
                 (scaling); before gradient-clipping (gradients), ema (averaging), ema/swa
                 (averaging), checkpointer (checkpointing), anomaly-guard (scaling)
 10. anomaly-guard
     why here    after gradient-accumulation (accumulation), data-parallel (reduction), loss-scaling
                 (scaling); before gradient-clipping (gradients), checkpointer (checkpointing)
 11. iteration-timer
     why here    after profiler (timing); before plots (timing, writing), memory-stats (timing,
                 metrics), weight-histograms (timing, metrics), lr-finder (timing), mlflow (timing,
                 writing), epochs (timing), lr-scheduler (schedule, timing), gradient-clipping
                 (gradients), ema (averaging), ema/swa (averaging), precise-bn (statistics),
                 checkpointer (checkpointing, timing), evaluator (evaluation), callback (metrics),
                 early-stopping (stopping), time-limit (stopping), writers (writing, timing)
 12. gradient-clipping
     why here    after profiler (gradients), loss-scaling (gradients), freeze (gradients),
                 data-parallel (gradients), gradient-accumulation (gradients), anomaly-guard
                 (gradients), iteration-timer (gradients); before memory-stats (gradients),
                 weight-histograms (gradients)
 13. ema
     why here    after profiler (averaging), loss-scaling (averaging), freeze (averaging),
                 data-parallel (averaging), gradient-accumulation (averaging), iteration-timer
                 (averaging); before plots (averaging), memory-stats (averaging), detection-pictures
                 (averaging), precise-bn (statistics), checkpointer (checkpointing, averaging),
                 evaluator (evaluation, averaging), mlflow (averaging), epochs (averaging), writers
                 (averaging)
 14. ema/swa
     why here    after profiler (averaging), loss-scaling (averaging), freeze (averaging),
                 data-parallel (averaging), gradient-accumulation (averaging), iteration-timer
                 (averaging); before plots (averaging), memory-stats (averaging), detection-pictures
                 (averaging), precise-bn (statistics), checkpointer (checkpointing, averaging),
                 evaluator (evaluation, averaging), mlflow (averaging), epochs (averaging), writers
                 (averaging)
 15. lr-scheduler
     why here    after profiler (schedule), data-parallel (schedule), gradient-accumulation
                 (schedule), iteration-timer (schedule, timing); before plots (schedule, writing),
                 reduce-on-plateau (schedule), memory-stats (schedule), weight-histograms
                 (schedule), lr-finder (schedule), mlflow (schedule, writing), epochs (schedule),
                 checkpointer (checkpointing, schedule), writers (writing, schedule)
 16. lr-finder
     why here    after lr-scheduler (schedule), iteration-timer (timing)
 17. precise-bn
     why here    after profiler (statistics), freeze (statistics), data-parallel (statistics),
                 gradient-accumulation (statistics), ema (statistics), ema/swa (statistics),
                 iteration-timer (statistics); before plots (statistics), memory-stats (statistics),
                 detection-pictures (statistics), mlflow (statistics), epochs (statistics),
                 checkpointer (checkpointing, statistics), evaluator (evaluation, statistics),
                 writers (statistics)
 18. detection-pictures
     why here    after precise-bn (statistics), ema (averaging), ema/swa (averaging); before
                 evaluator (evaluation), plots (writing), mlflow (writing), writers (writing)
 19. epochs
     why here    after iteration-timer (timing), lr-scheduler (schedule), ema (averaging), ema/swa
                 (averaging), precise-bn (statistics); before checkpointer (checkpointing),
                 evaluator (evaluation), plots (writing), mlflow (writing), writers (writing)
 20. checkpointer
     why here    after profiler (checkpointing), loss-scaling (checkpointing), freeze
                 (checkpointing), data-parallel (checkpointing), gradient-accumulation
                 (checkpointing), ema (checkpointing, averaging), ema/swa (checkpointing,
                 averaging), epochs (checkpointing), anomaly-guard (checkpointing), iteration-timer
                 (checkpointing, timing), lr-scheduler (checkpointing, schedule), precise-bn
                 (checkpointing, statistics); before export (checkpointing), plots (checkpointing,
                 writing), memory-stats (checkpointing), mlflow (checkpointing, writing), evaluator
                 (evaluation, checkpointing), writers (writing, checkpointing)
 21. evaluator
     why here    after profiler (evaluation), detection-tta (evaluation), detection-pictures
                 (evaluation), ema (evaluation, averaging), ema/swa (evaluation, averaging), epochs
                 (evaluation), iteration-timer (evaluation), precise-bn (evaluation, statistics),
                 checkpointer (evaluation, checkpointing); before export (evaluation), plots
                 (evaluation, writing), reduce-on-plateau (evaluation), memory-stats (evaluation,
                 metrics), early-stopping (evaluation, stopping), time-limit (evaluation, stopping),
                 mlflow (evaluation, writing), callback (metrics), weight-histograms (metrics),
                 writers (writing, evaluation), checkpointer/best (evaluation)
 22. memory-stats
     why here    after profiler (metrics), iteration-timer (timing, metrics), lr-scheduler
                 (schedule), gradient-clipping (gradients), ema (averaging), ema/swa (averaging),
                 precise-bn (statistics), checkpointer (checkpointing), evaluator (evaluation,
                 metrics); before export (metrics), plots (metrics, writing), reduce-on-plateau
                 (metrics), mlflow (writing, metrics), writers (writing, metrics), early-stopping
                 (metrics), time-limit (metrics), checkpointer/best (metrics)
 23. callback
     why here    after profiler (metrics), iteration-timer (metrics), evaluator (metrics); before
                 export (metrics), plots (metrics, writing), reduce-on-plateau (metrics),
                 early-stopping (metrics), time-limit (metrics), mlflow (writing, metrics), writers
                 (writing, metrics), checkpointer/best (metrics)
 24. weight-histograms
     why here    after profiler (metrics), iteration-timer (timing, metrics), lr-scheduler
                 (schedule), gradient-accumulation (accumulation), gradient-clipping (gradients),
                 evaluator (metrics); before export (metrics), plots (metrics, writing),
                 reduce-on-plateau (metrics), early-stopping (metrics), time-limit (metrics), mlflow
                 (writing, metrics), writers (writing, metrics), checkpointer/best (metrics)
 25. reduce-on-plateau
     why here    after lr-scheduler (schedule), evaluator (evaluation), memory-stats (metrics),
                 callback (metrics), weight-histograms (metrics); before plots (writing), mlflow
                 (writing), writers (writing)
 26. time-limit
     why here    after profiler (stopping), evaluator (evaluation, stopping), memory-stats
                 (metrics), callback (metrics), weight-histograms (metrics), iteration-timer
                 (stopping); before export (stopping), plots (stopping, writing), mlflow (writing,
                 stopping), writers (writing, stopping)
 27. checkpointer/best
     why here    after evaluator (evaluation), memory-stats (metrics), callback (metrics),
                 weight-histograms (metrics); before early-stopping (checkpointer/best), plots
                 (writing), mlflow (writing), writers (writing)
 28. early-stopping
     why here    after profiler (stopping), evaluator (evaluation, stopping), memory-stats
                 (metrics), callback (metrics), weight-histograms (metrics), checkpointer/best
                 (checkpointer/best), iteration-timer (stopping); before export (stopping), plots
                 (stopping, writing), mlflow (writing, stopping), writers (writing, stopping)
 29. plots
     why here    after profiler (writing), iteration-timer (timing, writing), lr-scheduler
                 (schedule, writing), ema (averaging), ema/swa (averaging), precise-bn (statistics),
                 checkpointer (checkpointing, writing), evaluator (evaluation, writing),
                 memory-stats (metrics, writing), callback (metrics, writing), weight-histograms
                 (metrics, writing), early-stopping (stopping, writing), time-limit (stopping,
                 writing), reduce-on-plateau (writing), detection-pictures (writing), epochs
                 (writing), checkpointer/best (writing); before export (writing)
 30. mlflow
     why here    after profiler (writing), reduce-on-plateau (writing), memory-stats (writing,
                 metrics), early-stopping (writing, stopping), detection-pictures (writing),
                 time-limit (writing, stopping), callback (writing, metrics), weight-histograms
                 (writing, metrics), iteration-timer (timing, writing), lr-scheduler (schedule,
                 writing), ema (averaging), ema/swa (averaging), precise-bn (statistics),
                 checkpointer (checkpointing, writing), evaluator (evaluation, writing), epochs
                 (writing), checkpointer/best (writing); before export (writing)
 31. writers
     why here    after profiler (writing), reduce-on-plateau (writing), memory-stats (writing,
                 metrics), early-stopping (writing, stopping), detection-pictures (writing),
                 time-limit (writing, stopping), callback (writing, metrics), weight-histograms
                 (writing, metrics), epochs (writing), iteration-timer (writing, timing),
                 lr-scheduler (writing, schedule), checkpointer (writing, checkpointing), evaluator
                 (writing, evaluation), checkpointer/best (writing), ema (averaging), ema/swa
                 (averaging), precise-bn (statistics); before export (writing)
 32. export
     why here    after checkpointer (checkpointing), evaluator (evaluation), memory-stats (metrics),
                 callback (metrics), weight-histograms (metrics), early-stopping (stopping),
                 time-limit (stopping), plots (writing), mlflow (writing), writers (writing)
`;

it('the default preset with every other plugin has this order, for these reasons', async () => {
  expect(await inspectedOrder([others(), preset()])).toBe(ORDER.slice(1, -1));
});

it('listed behind the preset, the others find the same places', async () => {
  const heads = (await inspectedOrder([preset(), others()])).match(/^ *\d+\. .*$/gm) ?? [];
  expect(heads.map((head) => head.replace(/^.*\. /, ''))).toEqual([
    'tfjs/state',
    'profiler',
    'iteration-timer',
    'model-summary',
    'detection-tta',
    'validation-loss',
    'gradient-accumulation',
    'freeze',
    'data-parallel',
    'lr-scheduler',
    'loss-scaling',
    'ema',
    'ema/swa',
    'precise-bn',
    'detection-pictures',
    'lr-finder',
    'epochs',
    'anomaly-guard',
    'checkpointer',
    'evaluator',
    'gradient-clipping',
    'memory-stats',
    'callback',
    'weight-histograms',
    'checkpointer/best',
    'reduce-on-plateau',
    'early-stopping',
    'time-limit',
    'writers',
    'plots',
    'mlflow',
    'export',
  ]);
});

/** Plugins whose names differ from their folders, because checkpoints and configs refer to them by these names. */
const NAMES: Readonly<Record<string, string>> = {
  'prediction-pictures': 'detection-pictures',
  'test-time-augmentation': 'detection-tta',
};

it('every plugin of this repository is in it', () => {
  const folders = readdirSync(join(import.meta.dirname, '../../../../plugins'))
    .filter((name) => !name.startsWith('preset-'))
    .map((name) => NAMES[name] ?? name);
  const missing = folders.filter((name) => !new RegExp(`^ *\\d+\\. ${name}(-|/|$)`, 'm').test(ORDER));
  expect(missing).toEqual([]);
});
