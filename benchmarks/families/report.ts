// node --import tsx benchmarks/families/report.ts families.json
// Prints the table of docs/model-families.md from the output of `npm run bench -- families --json`.
import { readFileSync } from 'node:fs';
import type { Figure } from '../lib/index.ts';
import { FAMILIES } from './families.ts';

const [file = ''] = process.argv.slice(2);
const { figures } = JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '') as {
  figures: Record<string, Figure | undefined>;
};
const cell = (label: string, digits: number): string => {
  const found = figures[label]?.median;
  return found === undefined ? '' : found.toPrecision(digits);
};
console.log('| Family | fit | eager | captured | captured from eager | captured from fit |');
console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
for (const { name } of FAMILIES.filter(({ name: each }) => figures[`${each}.eager`] !== undefined)) {
  const cells = [
    ...['fit', 'eager', 'captured'].map((kind) => cell(`${name}.${kind}`, 3)),
    ...['equal', 'equal_fit'].map((kind) => cell(`${name}.${kind}`, 1)),
  ];
  console.log(`| \`${name}\` | ${cells.join(' | ')} |`);
}
