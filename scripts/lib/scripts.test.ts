import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBenchArgs } from './bench-args.mjs';
import { formatNumber, formatReport } from './bench-report.mjs';
import { collectErrorCodes } from './error-codes.mjs';
import { formatErrorIndex, withoutRemedy } from './error-index.mjs';
import { whyInstall } from './installed.mjs';
import { countLine, skippedLines, slowestLines } from './jest-summary.mjs';
import { isSupportedNode } from './node-version.mjs';

describe('isSupportedNode', () => {
  it.each([
    ['18.20.0', false],
    ['20.18.3', false],
    ['20.19.0', true],
    ['21.7.0', false],
    ['22.11.0', false],
    ['22.12.0', true],
    ['24.0.0', true],
  ])('%s: %s', (version, supported) => {
    expect(isSupportedNode(version)).toBe(supported);
  });
});

describe('whyInstall', () => {
  const wanted = {
    'packages/core': { version: '0.1.0' },
    'node_modules/@hookline/core': { link: true },
    'node_modules/tapable': { version: '2.3.4' },
    'node_modules/@x/linux-only': { version: '1.0.0', optional: true },
  };
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  });

  const installed = (packages: object): void =>
    writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));

  it('requires an installation in a fresh clone', () => {
    expect(whyInstall(folder)).toBe('nothing is installed yet');
  });

  it('requires none if all packages are present; optional packages may be missing', () => {
    installed({ 'node_modules/@hookline/core': { link: true }, 'node_modules/tapable': { version: '2.3.4' } });
    expect(whyInstall(folder)).toBeUndefined();
  });

  it('finds an outdated package and a missing new package', () => {
    installed({ 'node_modules/@hookline/core': { link: true }, 'node_modules/tapable': { version: '2.3.3' } });
    expect(whyInstall(folder)).toBe('tapable is 2.3.3, not 2.3.4');
    installed({ 'node_modules/tapable': { version: '2.3.4' } });
    expect(whyInstall(folder)).toBe('@hookline/core is not installed');
  });
});

describe('jest summary', () => {
  it('counts a file that could not be run as a failure', () => {
    expect(countLine({ numPassedTests: 12, numFailedTests: 2, numRuntimeErrorTestSuites: 1 })).toBe(
      '12 passed, 3 failed',
    );
  });

  it('names the tests that did not run', () => {
    const assertionResults = [
      { status: 'passed', fullName: 'a' },
      { status: 'pending', fullName: 'needs a GPU' },
    ];
    expect(skippedLines({ testResults: [{ assertionResults }] })).toEqual(['skipped: needs a GPU']);
  });

  it('names the slowest files of a run with many files', () => {
    const file = (name: string, endTime: number) => ({ name: `/project/${name}`, startTime: 1000, endTime });
    const testResults = [file('a.test.ts', 3000), file('b.test.ts', 14_000), file('c.test.ts', 2000)];
    expect(slowestLines({ testResults }, '/project', 2)).toEqual([
      'slowest:',
      '   13 s  b.test.ts',
      '    2 s  a.test.ts',
    ]);
    expect(slowestLines({ testResults }, '/project', 3)).toEqual([]);
  });
});

describe('parseBenchArgs', () => {
  it('distinguishes flags, numbers and strings', () => {
    expect(parseBenchArgs(['overhead', '--json', '--rounds', '20', '--device=wasm', '--trace'])).toEqual({
      name: 'overhead',
      json: true,
      args: { rounds: 20, device: 'wasm', trace: true, quick: false },
    });
  });

  it('takes no value after --json and --quick', () => {
    expect(parseBenchArgs(['--json', '--quick', 'overhead'])).toEqual({
      name: 'overhead',
      json: true,
      args: { quick: true },
    });
  });

  it('rejects two names', () => {
    expect(() => parseBenchArgs(['a', 'b'])).toThrow('unexpected "b"');
  });
});

describe('bench report', () => {
  it('shows four significant digits', () => {
    expect([0, 0.0123456, 1.5, 14.9999, 123456.7].map(formatNumber)).toEqual([
      '0',
      '0.01235',
      '1.500',
      '15.00',
      '123457',
    ]);
  });

  it('aligns numbers to the right and names the machine and the versions', () => {
    const report = formatReport(
      'overhead',
      {
        figures: {
          'step.loop': { median: 1.5, min: 1.25, max: 12, unit: 'ms', runs: 9 },
          'added.bare': { median: 6, min: 5, max: 7, unit: 'us', runs: 9 },
        },
        notes: ['batch 32'],
      },
      { cpu: 'A CPU', cores: 2, memory_gib: 8, platform: 'linux-x64' },
      { node: '20.19.0', tensorflow: null },
    );
    expect(report).toBe(
      [
        'benchmark overhead',
        '  A CPU, 2 cores, 8 GiB, linux-x64',
        '  node 20.19.0',
        '',
        '            median    min    max  unit  runs',
        'step.loop    1.500  1.250  12.00  ms       9',
        'added.bare   6.000  5.000  7.000  us       9',
        '',
        'batch 32',
      ].join('\n'),
    );
  });
});

describe('error index', () => {
  const text = `
    const COPY = 'Copy it again';
    throw new HooklineError('HKL_READ', \`\${file} is damaged\`, { who, fix: COPY });
    const refuse = (what: string, fix: string) => new HooklineError('HKL_REFUSED', what, { fix });
    refuse('it is empty', 'Fill it');
    refuse('it is <full>', 'Empty it');
    throw exists ? new HooklineError('HKL_MUTE', reason) : undefined;
    if (isHooklineError(error, 'HKL_ELSEWHERE')) return;`;
  const codes = collectErrorCodes([{ path: 'a.ts', packageName: '@hookline/a', text }]);

  it('contains every code with its messages and fixes', () => {
    const page = formatErrorIndex(codes, { HKL_MUTE: { says: 'nothing is said', fix: 'Say it' } });
    expect(page.slice(page.indexOf('## '))).toBe(
      [
        '## HKL_MUTE\n\nRaised by `@hookline/a`.\n\n- Nothing is said. _Say it._',
        '## HKL_READ\n\nRaised by `@hookline/a`.\n\n- … is damaged. _Copy it again._',
        '## HKL_REFUSED\n\nRaised by `@hookline/a`.\n\n- It is empty. _Fill it._\n- It is \\<full>. _Empty it._\n',
      ].join('\n\n'),
    );
  });

  it('is incomplete if a code has no message or fix, or a note names a code that no longer exists', () => {
    expect(withoutRemedy(codes, { HKL_GONE: {} })).toEqual([
      expect.stringMatching(/HKL_MUTE what it means/),
      expect.stringMatching(/HKL_MUTE what to do/),
      expect.stringMatching(/nothing raises HKL_GONE/),
    ]);
  });
});
