import { ConsoleLogger } from './services/logger.ts';
import { alignColumns, formatDuration, terminalText } from './terminal-text.ts';

describe('terminalText', () => {
  it('makes everything visible that a terminal would obey, and leaves the rest alone', () => {
    expect(terminalText('\u001b[2J\u001b]0;title\u0007 a\rb\u0008 \u009b31m \u007f')).toBe(
      '\\u001b[2J\\u001b]0;title\\u0007 a\\u000db\\u0008 \\u009b31m \\u007f',
    );
    expect(terminalText('abc\u202egnp.exe')).toBe('abc\\u202egnp.exe');
    const plain = 'Käse, 猫, 👩‍🔬, é, a\tb\nc → “x” שלום';
    expect(terminalText(plain)).toBe(plain);
    expect(terminalText('a\r\nb')).toBe('a\nb');
  });

  it('keeps JSON what it is', () => {
    const value = { 'a\u001b\u009b': ['\u202e', '\u2028', 'x\\u001b'] };
    const text = terminalText(JSON.stringify(value));
    expect(JSON.parse(text)).toEqual(value);
    expect(text).not.toContain('\u009b');
  });

  it('stands in front of the terminal: messages and the progress line', () => {
    let written = '';
    const stream = { isTTY: true, columns: 60, write: (text: string) => (written += text) };
    const logger = new ConsoleLogger({ level: 'debug', stream, live: true });
    logger.status('class \u001b[31mred\nnext');
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]('a\u001b[2Jb\nc');
    logger.status(undefined);
    // What is left are the commands of the progress line itself.
    const own = written.replaceAll('\r\u001b[K', '');
    // eslint-disable-next-line no-control-regex -- they are what must not be there
    expect(own).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(own).toContain('class \\u001b[31mred\\nnext');
    expect(own).toContain('warning: a\\u001b[2Jb\nc\n');
  });
});

it('aligns columns to the left or to the right, also where rows have different numbers of cells', () => {
  const rows = [
    ['name', 'size', 'note'],
    ['a', '12'],
    ['long name', '3', ''],
  ];
  expect(alignColumns(rows)).toEqual(['name       size  note', 'a          12', 'long name  3']);
  expect(alignColumns(rows, (column) => column === 1)).toEqual([
    'name       size  note',
    'a            12',
    'long name     3',
  ]);
  expect(alignColumns([])).toEqual([]);
});

describe('formatDuration', () => {
  it.each([
    [0, '0:00:00'],
    [0.999, '0:00:00'],
    [80.4, '0:01:20'],
    [3599, '0:59:59'],
    [3600, '1:00:00'],
    [100 * 3600 + 61, '100:01:01'],
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [0, '0:00:00'],
    [80.9, '0:01:20'],
    [754, '0:12:34'],
    [3723, '1:02:03'],
    [86_400 + 61, '1 day, 0:01:01'],
    [2 * 86_400, '2 days, 0:00:00'],
    [-1, '0:00:00'],
  ])('%d s with days is %s', (seconds, text) => expect(formatDuration(seconds, { days: true })).toBe(text));
});
