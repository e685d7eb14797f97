import { readFileSync, writeFileSync } from 'node:fs';
import { barChart, type Figure } from '../lib/index.ts';

// node --import tsx benchmarks/steps/report.ts FIGURES.json... [PLOT.svg]
// Prints the table of the docs and writes the plot. The last line of each FIGURES.json is the output of
// `npm run bench -- steps --json`. Several runs, each of some nets, can be combined into one report.

interface Report {
  readonly machine: { readonly cpu: string; readonly cores: number };
  readonly figures: Readonly<Record<string, Figure>>;
}

const RUNNERS: Readonly<Record<string, { readonly name: string; readonly color: string }>> = {
  tfjs_eager: { name: 'TensorFlow.js', color: '#b8c0c8' },
  fit: { name: 'TensorFlow.js model.fit', color: '#b8c0c8' },
  eager: { name: 'Hookline eager', color: '#7fb8b0' },
  captured: { name: 'Hookline captured', color: '#0f766e' },
  captured_bf16: { name: 'Hookline captured, bfloat16', color: '#115e9c' },
  torch_eager: { name: 'PyTorch eager', color: '#e8a87c' },
  torch_best: { name: 'PyTorch best', color: '#d9773f' },
  torch_best_bf16: { name: 'PyTorch best, bfloat16', color: '#b4531c' },
  tf_function: { name: 'TensorFlow tf.function', color: '#d4b13c' },
};

/** Runners of only the forward pass. They have rows in the table but no bars in the plot of train steps. */
const PREDICTIONS: Readonly<Record<string, { readonly name: string }>> = {
  predict_eager: { name: 'Prediction, Hookline eager' },
  predict_captured: { name: 'Prediction, Hookline captured' },
  torch_predict: { name: 'Prediction, PyTorch best' },
};

const files = process.argv.slice(2).filter((word) => word.endsWith('.json'));
const plot = process.argv.slice(2).find((word) => word.endsWith('.svg'));
const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '') as Report);
const [first] = reports;
if (first === undefined)
  throw new Error('which figures? node --import tsx benchmarks/steps/report.ts FIGURES.json... [PLOT.svg]');
const { machine } = first;
const figures = Object.assign({}, ...reports.map((report) => report.figures)) as Report['figures'];
const nets = [...new Set(Object.keys(figures).map((label) => label.split('.')[0] as string))];
const median = (net: string, runner: string): number | undefined => figures[`${net}.${runner}`]?.median;

console.log(`| | ${nets.join(' | ')} |`);
console.log(`| --- |${' ---: |'.repeat(nets.length)}`);
for (const [runner, { name }] of Object.entries({ ...RUNNERS, ...PREDICTIONS })) {
  const cells = nets.map((net) => {
    const value = median(net, runner);
    return value === undefined ? '' : String(Number(value.toPrecision(3)));
  });
  if (cells.some((cell) => cell !== '')) console.log(`| ${name} (\`${runner}\`) | ${cells.join(' | ')} |`);
}

if (plot !== undefined) {
  const groups = nets.map((net) => ({
    title: net,
    bars: Object.entries(RUNNERS).flatMap(([runner, { name, color }]) => {
      const value = median(net, runner);
      return value === undefined ? [] : [{ label: name, value, color }];
    }),
  }));
  writeFileSync(plot, barChart(`Milliseconds per train step: ${machine.cpu}, ${machine.cores} cores`, 'ms', groups));
}
