import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrainerBase } from '../engine/trainer-base.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { type Background, backgroundRef, type BackgroundTaskOptions } from './background.ts';
import { ConsoleLogger } from './logger.ts';

/** What the server does with a request, by its path: answers, answers 500, or never answers. */
let server: Server;
let url: string;
/** Where nobody listens. */
let down: string;
const got: string[] = [];
/** Requests that the client has given up. */
let abandoned = 0;

async function listen(on: Server): Promise<string> {
  await new Promise<void>((resolve) => on.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(on.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const other = createServer();
  down = await listen(other);
  other.close();
  server = createServer((request, response) => {
    got.push(request.url ?? '');
    if (request.url?.startsWith('/never') === true) response.on('close', () => abandoned++);
    else if (request.url?.startsWith('/500') === true) response.writeHead(500).end();
    else if (request.url === '/second' && got.length === 1) response.writeHead(503).end();
    else response.end('done');
  });
  url = await listen(server);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let lines: string[];
beforeEach(() => {
  [lines, got.length, abandoned] = [[], 0, 0];
});

/** Waits for what comes from the server's side. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

const post = (to: string) => async (signal: AbortSignal) => {
  const response = await fetch(to, { method: 'POST', signal });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
};

/** A plugin named `poster` that does something after each of three steps. */
const poster = (afterStep: (background: Background, iteration: number) => unknown, atEnd?: typeof afterStep): Plugin =>
  definePlugin({
    name: 'poster',
    version: '1.0.0',
    requires: { background: backgroundRef },
    setup({ hooks, background }) {
      hooks.afterStep.tap(({ iteration }) => void afterStep(background, iteration));
      hooks.afterTrain.tap(({ iteration }) => void atEnd?.(background, iteration));
    },
  })();

const train = (plugin: Plugin, disposeTimeout = 5000) => {
  const trainer = new TrainerBase({
    step: () => sleep(1).then(() => 1),
    maxIterations: 3,
    plugins: [plugin],
    disposeTimeout,
    logger: new ConsoleLogger({ live: false, stream: { write: (text) => lines.push(text.trimEnd()) } }),
  });
  return { trainer, result: trainer.train() };
};
const fast: BackgroundTaskOptions = { retries: 1, backoff: 1 };
const atEach = (path: string, options?: BackgroundTaskOptions) =>
  poster((background, iteration) => background.add(`post ${iteration}`, post(`${url}/${path}`), options));

describe('background tasks', () => {
  it('run beside the steps in their order, and the training waits for those that are left at its end', async () => {
    const plugin = poster(
      (background, iteration) => background.add(`post ${iteration}`, post(`${url}/${iteration}`)),
      (background) => background.add('post the end', post(`${url}/end`)),
    );
    expect(await train(plugin).result).toMatchObject({ status: 'completed' });
    expect(got).toEqual(['/0', '/1', '/2', '/end']);
    expect(lines).toEqual([]);
  });

  it.each([
    ['a server that is down', () => down, /fetch failed: connect ECONNREFUSED 127\.0\.0\.1:\d+/],
    ['one that answers 500', () => `${url}/500`, /500 Internal Server Error/],
  ])(
    '%s is reported once, and at the end with the tasks that were not done; the training goes on',
    async (_, to, reason) => {
      const plugin = poster((background, iteration) => {
        background.add(`post ${iteration}`, post(to()), fast);
        background.add(`log ${iteration}`, post(to()), fast);
      });
      expect(await train(plugin).result).toMatchObject({ status: 'completed', iteration: 3 });
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(/^warning: poster: the background task "post 0" failed 2 times: .*The training goes on/);
      expect(lines[0]).toMatch(reason);
      expect(lines[1]).toMatch(
        /^warning: poster: 6 of 6 background tasks were not done: "post 0" \(.*, 2 times\), "log 0" \(.*, "post 1" \(.* and 3 more$/,
      );
    },
  );

  it('are tried again', async () => {
    expect(await train(atEach('second', fast)).result).toMatchObject({ status: 'completed' });
    expect(got).toHaveLength(4);
    expect(lines).toEqual([]);
  });

  it('that take too long are aborted, and so are those that ignore their signal', async () => {
    const plugin = poster((background, iteration) => {
      if (iteration > 0) return;
      background.add('ask', post(`${url}/never`), { timeout: 30, retries: 1, backoff: 1 });
      background.add('sleep', () => new Promise(() => undefined), { timeout: 30, retries: 0 });
    });
    expect(await train(plugin).result).toMatchObject({ status: 'completed' });
    expect(lines.at(-1)).toBe(
      'warning: poster: 2 of 2 background tasks were not done: "ask" (not done within 30 ms, 2 times), "sleep" (not done within 30 ms)',
    );
    await until(() => abandoned === 2);
  });

  it('that are left when the time at the end is over are aborted and told by name', async () => {
    expect(await train(atEach('never'), 50).result).toMatchObject({ status: 'completed' });
    expect(lines).toEqual([
      'warning: poster: 3 of 3 background tasks were not done: "post 0" (not done at the end of the training), "post 1" (not begun), "post 2" (not begun)',
    ]);
    await until(() => abandoned === 1);
    expect(got).toEqual(['/never']);
  });

  it('run several at a time where the plugin says so', async () => {
    const plugin = poster((background, iteration) => {
      background.concurrency = 3;
      background.add(`post ${iteration}`, post(`${url}/never`));
    });
    await train(plugin, 100).result;
    expect(got).toEqual(['/never', '/never', '/never']);
  });

  it('make the training fail only where they are required', async () => {
    const required = { ...fast, required: true };
    await expect(train(atEach('500', required)).result).rejects.toThrow(
      /\[HKL_BACKGROUND_FAILED\] poster: its background task "post 0" failed: 500 Internal Server Error/,
    );
    await expect(train(atEach('never', required), 50).result).rejects.toMatchObject({
      errors: Array<unknown>(3).fill(expect.objectContaining({ code: 'HKL_BACKGROUND_FAILED', who: 'poster' })),
    });
  });

  it('that throw at once, or add tasks themselves, do no harm, and none is kept without end', async () => {
    const plugin = poster((background, iteration) => {
      if (iteration > 0) return;
      for (let task = 0; task < 1003; task++) background.add(`task ${task}`, () => undefined);
      background.add('last', () => undefined);
    });
    expect(await train(plugin).result).toMatchObject({ status: 'completed' });
    expect(lines.at(-1)).toBe(
      'warning: poster: 3 of 1004 background tasks were not done: "task 1001" (1000 tasks were waiting before it), ' +
        '"task 1002" (1000 tasks were waiting before it), "last" (1000 tasks were waiting before it)',
    );
    lines = [];
    const chain = poster((background, iteration) =>
      background.add(
        `first ${iteration}`,
        () => {
          background.add(`second ${iteration}`, post(`${url}/second-${iteration}`));
          throw new TypeError('a bug');
        },
        { retries: 0 },
      ),
    );
    expect(await train(chain).result).toMatchObject({ status: 'completed' });
    expect([...got].sort()).toEqual(['/second-0', '/second-1', '/second-2']);
    expect(lines.at(-1)).toContain('3 of 6 background tasks were not done: "first 0" (a bug)');
  });

  it('work again in the next training of the trainer, and are refused after one', async () => {
    let kept: Background | undefined;
    const { trainer, result } = train(
      poster((background, iteration) => (kept = background).add('post', post(`${url}/${iteration}`))),
    );
    await result;
    expect(() => kept?.add('late', () => undefined)).toThrow(/\[HKL_BACKGROUND_CLOSED\] poster: .*"late"/);
    await trainer.train({ maxIterations: 5 });
    expect(got).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  it.each([
    ['a task needs a name', (background: Background) => background.add('', () => undefined)],
    ['a task needs a name and a function', (background: Background) => background.add('x', 5 as never)],
    ['timeout is 0', (background: Background) => background.add('x', () => 1, { timeout: 0 })],
    ['retries is 1.5', (background: Background) => background.add('x', () => 1, { retries: 1.5 })],
    ['Did you mean "retries"?', (background: Background) => background.add('x', () => 1, { retrys: 1 } as never)],
    ['concurrency is 0', (background: Background) => void (background.concurrency = 0)],
  ])('refuses wrong options by the name of the plugin: %s', async (message, bad) => {
    const error = (await train(poster(bad)).result.catch((caught: unknown) => caught)) as Error;
    expect(error.message).toContain(message);
    expect(error.message).toContain('poster');
  });
});
