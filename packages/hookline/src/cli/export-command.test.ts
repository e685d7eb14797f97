import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors } from '@hookline/core';
import { buildCommand, ROOT, runCommand } from './built-command.test.support.ts';

const TRAINER = join(ROOT, 'examples/digits/trainer.ts');

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = temporaryFolder();
}, 300_000);

function hookline(command: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const values = ['data.count=200', 'model.width=2', 'solver.emaDecay=0.9', 'test.evalPeriod=0', 'writers.plots=false'];
  const set = [...values, 'solver.maxIterations=4'].flatMap((each) => ['--set', each]);
  return runCommand(ROOT, [command, TRAINER, ...args, ...set, '--output', folder], { HOOKLINE_DEVICE: '' });
}

describe('hookline export', () => {
  it('writes the latest checkpoint, with averaged weights where asked for, and says what it compared', () => {
    expect(hookline('train').status).toBe(0);
    const { status, stdout } = hookline('export', '--format', 'saved-model');
    expect(stdout).toMatch(/^model: +\S*exported\/saved-model\/saved_model\.pb$/m);
    expect(stdout).toMatch(/^inputs: +image int32\[batch,28,28,1\]$/m);
    expect(stdout).toMatch(/^compared: +native TensorFlow, 1 and 4 items: largest difference \d/m);
    expect(status).toBe(0);
    const file = join(folder, 'exported/saved-model/saved_model.pb');
    const trained = readFileSync(file);
    const averaged = hookline('export', '--format', 'saved-model', '--ema', '--batch', '2', '--json');
    expect(JSON.parse(averaged.stdout)).toMatchObject({
      inputs: [{ name: 'image', shape: [2, 28, 28, 1], range: [0, 255] }],
      classNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
      checkpoint: expect.stringContaining('model_final.safetensors'),
      iteration: 4,
      weights: 'averaged',
    });
    expect(readFileSync(file).equals(trained)).toBe(false);
    expect(readdirSync(join(folder, 'exported'))).toEqual(['saved-model']);
  }, 240_000);

  it('the weights are converted to safetensors, and those are taken as weights again', () => {
    const target = join(folder, 'digits.safetensors');
    const first = hookline('convert', target);
    expect(first.stdout).toMatch(/^weights: +\S*digits.safetensors$/m);
    expect(first.stdout).toMatch(/^tensors: +\d+, with Hookline's names and axes/m);
    expect(first.status).toBe(0);
    const written = readFileSync(target);
    const { tensors } = decodeSafetensors(written);
    const saved = decodeSafetensors(readFileSync(join(folder, 'model_final.safetensors'))).tensors;
    for (const [name, tensor] of tensors) expect(tensor).toEqual(saved.get(`model/${name}`));
    const again = join(folder, 'again.safetensors');
    expect(hookline('convert', again, '--checkpoint', target).status).toBe(0);
    expect(readFileSync(again).equals(written)).toBe(true);
    const { status, stderr } = hookline('convert', join(folder, 'model_final.safetensors'));
    expect(stderr).toMatch(/model_final.safetensors is a checkpoint, which would be overwritten/);
    expect(status).toBe(2);
  }, 240_000);

  it.each([
    [[], /no format is given\. Write --format graph-model/],
    [['--format', 'tflite'], /there is no format "tflite"/],
    [['--format', 'graph-model', '--batch', 'all'], /--batch all is not a number of items/],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = hookline('export', ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});
