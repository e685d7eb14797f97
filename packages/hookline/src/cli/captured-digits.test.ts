import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCommand, ROOT, runCommand } from './built-command.test.support.ts';

const TRAINER = join(ROOT, 'examples/digits/trainer.ts');

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = temporaryFolder();
}, 300_000);

function hookline(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return runCommand(ROOT, [...args, '--set', 'data.count=400'], { HOOKLINE_DEVICE: '' });
}

describe('hookline inspect', () => {
  it('says in a line that the step will be captured', () => {
    const { status, stdout } = hookline('inspect', TRAINER, '--output', join(folder, 'line'));
    expect(stdout).toMatch(/^step: will be captured as one graph of \d+ nodes$/m);
    expect(stdout).not.toContain('ops (recorded > in the graph)');
    expect(status).toBe(0);
  }, 120_000);

  it('says why the step is eager', () => {
    const { stdout } = hookline('inspect', TRAINER, '--set', 'capture=off', '--output', join(folder, 'off'));
    expect(stdout).toMatch(/^step: eager, since capture is 'off'/m);
  }, 120_000);

  it('shows the graph, and writes it for TensorBoard', () => {
    const output = join(folder, 'graph');
    const { status, stdout } = hookline('inspect', TRAINER, '--graph', '--output', output);
    expect(stdout).toMatch(/^graph 1: \d+ ops recorded, \d+ in the graph$/m);
    expect(stdout).toMatch(/^variables: \d+, of which \d+ change/m);
    expect(stdout).toContain('casts: ');
    const [file = ''] = readdirSync(join(output, 'graph'));
    expect(readFileSync(join(output, 'graph', file)).includes('VarHandleOp')).toBe(true);
    expect(status).toBe(0);
  }, 120_000);
});

/** The tensors of a checkpoint, without its manifest, which contains times. */
function tensorsOf(file: string): Buffer {
  const bytes = readFileSync(file);
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

describe('the digits example, captured', () => {
  it.each(['float32', 'auto'])(
    'resumes to the bits of a run that never stopped, with precision %s',
    (precision) => {
      const common = ['train', TRAINER, '--set', 'capture=required', '--set', `precision=${precision}`];
      const args = [...common, '--set', 'solver.maxIterations=12', '--set', 'checkpoint.period=6'];
      const [whole, part] = [join(folder, `whole-${precision}`), join(folder, `part-${precision}`)];
      const first = hookline(...args, '--output', whole);
      expect(first.stderr).toContain('train step: captured as one graph');
      expect(first.status).toBe(0);
      mkdirSync(part);
      const saved = 'model_0000005.safetensors';
      copyFileSync(join(whole, saved), join(part, saved));
      writeFileSync(join(part, 'last_checkpoint'), saved);
      const second = hookline(...args, '--output', part, '--resume');
      expect(second.stderr).toContain(saved);
      expect(second.status).toBe(0);
      const [a, b] = [whole, part].map((each) => tensorsOf(join(each, 'model_final.safetensors')));
      expect(b?.equals(a as Buffer)).toBe(true);
      expect(a?.equals(tensorsOf(join(whole, saved)))).toBe(false);
    },
    240_000,
  );
});
