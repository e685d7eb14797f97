import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { STDERR_GATE_FILE } from '../runtime/stderr-gate-source.ts';

interface StderrGate {
  close(): void;
  /** Lets standard error through again and gives what was held back. */
  open(): string;
}

/**
 * Loads native code without the notes that TensorFlow writes meanwhile; warnings and errors still come through, after
 * it. Does nothing where setup has built no gate, or where `TF_CPP_MIN_LOG_LEVEL` is 0, which asks for every note.
 */
export function withoutNotes<T>(bindingPath: string, env: NodeJS.ProcessEnv, work: () => T): T {
  const path = join(dirname(realpathSync(bindingPath)), STDERR_GATE_FILE);
  if (env['TF_CPP_MIN_LOG_LEVEL'] === '0' || !existsSync(path)) return work();
  const gate = createRequire(path)(path) as StderrGate;
  gate.close();
  try {
    return work();
  } finally {
    const kept = dropNotes(gate.open());
    if (kept !== '') process.stderr.write(kept);
  }
}

const LOG_LINE = /^(?:([IWEF])\d{4} |\d{4}-\d{2}-\d{2} [\d:.]+: ([IWEF]) )/;
const PREAMBLE = 'WARNING: All log messages before absl::InitializeLog()';

/** Removes TensorFlow's notes (severity I) with their continuation lines. */
export function dropNotes(text: string): string {
  let dropping = false;
  const kept = text.split('\n').filter((line) => {
    if (line.startsWith(PREAMBLE)) return false;
    const found = LOG_LINE.exec(line);
    if (found !== null) dropping = (found[1] ?? found[2]) === 'I';
    return !dropping;
  });
  const result = kept.join('\n').replace(/\n+$/, '');
  return result === '' ? '' : `${result}\n`;
}
