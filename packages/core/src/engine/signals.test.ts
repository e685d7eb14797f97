import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const index = new URL('../index.ts', import.meta.url).href;

/** A training whose steps are synchronous and never leave the microtask queue, in a process of its own. */
const script = (closing: string) => `
  import { ConsoleLogger, definePlugin, TrainerBase } from '${index}';
  const closing = definePlugin({ name: 'closing', version: '1.0.0', setup: () => ({ dispose: () => ${closing} }) });
  let announced = false;
  const step = () => {
    if (!announced) console.log('training');
    announced = true;
    const end = performance.now() + 1;
    while (performance.now() < end);
    return 1;
  };
  const trainer = new TrainerBase({ step, maxIterations: 1e6, plugins: [closing()], logger: new ConsoleLogger() });
  console.log(JSON.stringify(await trainer.train()));
  console.log(process.listenerCount('SIGINT'), process.listenerCount('SIGTERM'));
`;

function start(closing: string): { child: ChildProcess; output: () => string; training: Promise<void> } {
  const root = fileURLToPath(new URL('../../../..', import.meta.url));
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script(closing)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const training = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('training')) resolve();
    });
  });
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text, training };
}

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends a training gracefully, although no step ever awaits',
    async (signal) => {
      const { child, output, training } = start('undefined');
      await training;
      child.kill(signal);
      const [code] = (await once(child, 'close')) as [number];
      expect(output()).toContain(`${signal}: stopping after this step (once more to quit at once)`);
      expect(output()).toMatch(new RegExp(`{"status":"interrupted","iteration":\\d+,"reason":"${signal}"}\\n0 0`));
      expect(code).toBe(0);
    },
  );

  it('one that arrives twice at once, as through npm, still ends it gracefully', async () => {
    const { child, output, training } = start('new Promise((resolve) => setTimeout(resolve, 250))');
    await training;
    child.kill('SIGINT');
    while (!output().includes('stopping after this step')) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('a second one quits at once, whatever is still closing', async () => {
    const { child, output, training } = start(
      'new Promise((resolve) => { console.log("closing"); setTimeout(resolve, 60_000); })',
    );
    await training;
    child.kill('SIGINT');
    while (!output().includes('closing')) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 400));
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(130);
  });
});
