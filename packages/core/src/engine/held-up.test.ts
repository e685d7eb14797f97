import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const index = new URL('../index.ts', import.meta.url).href;
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Takes every request and never answers. */
let server: Server;
let url: string;
let requests = 0;
beforeAll(async () => {
  server = createServer(() => requests++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => (requests = 0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A training in a process of its own, whose plugin asks the server after each step. */
function start(afterStep: string): { child: ChildProcess; said: () => string; saw: (text: string) => Promise<void> } {
  const script = `
    import { backgroundRef, ConsoleLogger, definePlugin, TrainerBase } from '${index}';
    const poster = definePlugin({
      name: 'poster', version: '1.0.0', requires: { background: backgroundRef },
      setup({ hooks, background }) { hooks.afterStep.tap(async () => { ${afterStep} }); },
    });
    const trainer = new TrainerBase({
      step: () => 1, maxIterations: 3, plugins: [poster()], waitWarning: 0.3, logger: new ConsoleLogger(),
    });
    const { status, iteration } = await trainer.train();
    console.log(status, iteration);
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], { cwd: root });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const saw = async (wanted: string): Promise<void> => {
    while (!text.includes(wanted)) {
      if (child.exitCode !== null) throw new Error(`ended without "${wanted}": ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, said: () => text, saw };
}

describe('a server that never answers', () => {
  it('asked in a tap: the tap is named, before and after a signal, and a second signal ends the process', async () => {
    const { child, said, saw } = start(`await fetch('${url}');`);
    await saw('poster in hook afterStep');
    expect(said()).toMatch(/iteration 0 has been waiting for [\d.]+ s: poster in hook afterStep\. Ctrl-C stops the/);
    child.kill('SIGINT');
    await saw('SIGINT: stopping after this step (once more to quit at once)');
    await saw('SIGINT: still waiting for poster in hook afterStep');
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
  });

  it('asked by a background task: no step waits, and a signal at the end leaves the task, which is told', async () => {
    const { child, said, saw } = start(
      `background.add('ask', (signal) => fetch('${url}', { signal }), { timeout: 60_000 });`,
    );
    await saw('waiting 30 s at most for background tasks of poster ("ask", "ask", "ask"); Ctrl-C leaves them undone');
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said()).toContain(
      'poster: 3 of 3 background tasks were not done: "ask" (not done at the end of the training), "ask" (not begun), "ask" (not begun)',
    );
    expect(said()).toContain('completed 3');
    expect(requests).toBe(1);
  });
});
