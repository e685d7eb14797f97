import { printCsvFormat } from './print-csv-format.ts';

it('printCsvFormat prints tasks, names and values, without the metrics per class', () => {
  const lines: string[] = [];
  printCsvFormat({ bbox: { AP: 0.41237, AP50: 0.6, 'AP-cat': 0.9 }, accuracy: 0.5 }, (line) => lines.push(line));
  expect(lines).toEqual([
    'copypaste: Task: bbox',
    'copypaste: AP,AP50',
    'copypaste: 0.4124,0.6000',
    'copypaste: accuracy=0.5',
  ]);
});
