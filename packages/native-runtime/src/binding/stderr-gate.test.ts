import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNativeRuntime } from '../find/native-runtime.ts';
import { dropNotes, STDERR_GATE_FILE } from './stderr-gate.ts';

const { runtime } = findNativeRuntime();
const gate = runtime && join(dirname(realpathSync(runtime.bindingPath)), STDERR_GATE_FILE);
// Only setup builds the gate; an addon from elsewhere has none.
const withGate = gate !== undefined && existsSync(gate) ? it : it.skip;

const NOTES = [
  'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR',
  'I0000 00:00:1 1 port.cc:153] custom operations are on.',
  'I0000 00:00:2 1 guard.cc:227] This binary is optimized.',
  'To enable the following instructions, rebuild.',
];

describe('dropNotes', () => {
  it('removes notes with their continuation lines', () => {
    expect(dropNotes(`${NOTES.join('\n')}\n`)).toBe('');
    expect(dropNotes('2026-01-01 10:00:00.123456: I tensorflow/core/x.cc:1] a note\n')).toBe('');
  });

  it('keeps warnings, errors and what is no log line', () => {
    const error = 'E0000 00:00:3 1 cuda.cc:1] failed call to cuInit\nmore about it\n';
    expect(dropNotes(`${NOTES.join('\n')}\n${error}`)).toBe(error);
    const warning = '2026-01-01 10:00:00.123456: W tensorflow/core/x.cc:1] careful\n';
    expect(dropNotes(warning)).toBe(warning);
    expect(dropNotes('terminate called\n')).toBe('terminate called\n');
  });
});

describe('the gate', () => {
  withGate(
    'holds back what native code writes to standard error, and gives it back (needs a runtime that setup has built)',
    () => {
      const script = `
      const gate = require(process.argv[1]);
      const fs = require('node:fs');
      fs.writeSync(2, 'before ');
      gate.close();
      fs.writeSync(2, 'held back');
      const held = gate.open();
      fs.writeSync(2, 'after ');
      gate.close(); gate.close();
      const nothing = gate.open() + gate.open();
      fs.writeSync(2, 'end');
      console.log(JSON.stringify([held, nothing]));`;
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, gate ?? ''], { encoding: 'utf8' });
      expect(JSON.parse(stdout)).toEqual(['held back', '']);
      expect(stderr).toBe('before after end');
    },
  );
});
