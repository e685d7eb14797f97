import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrainerBase } from '@hookline/core';
import { RecordingLogger, saveAt } from '@hookline/testing';
import { mlflow } from './plugin.ts';

/** A Python that has MLflow; `HOOKLINE_MLFLOW_PYTHON` names that of a virtual environment. */
const PYTHON = process.env['HOOKLINE_MLFLOW_PYTHON'] ?? 'python3';
const FIND = 'import importlib.util as u, sys; sys.exit(u.find_spec("mlflow") is None)';
const hasMlflow = spawnSync(PYTHON, ['-c', FIND]).status === 0;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

const missing = (): never => {
  throw new Error('the server knows of no run');
};

/** What the test reads of answers. */
interface Answer {
  readonly experiment: { readonly experiment_id: string };
  readonly runs: readonly { readonly info: { readonly run_id: string }; readonly data: { readonly params: unknown } }[];
  readonly metrics: readonly { readonly step: number; readonly value: number }[];
}

/** Starts MLflow's server and waits until it answers. */
async function startServer(folder: string, port: number): Promise<ChildProcess> {
  const store = `sqlite:///${join(folder, 'mlflow.db')}`;
  const args = ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'];
  const server = spawn(PYTHON, [...args, '--backend-store-uri', store, '--artifacts-destination', folder], {
    stdio: 'ignore',
    // Its workers end with it.
    detached: true,
  });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok === true) return server;
    await sleep(300);
  }
}

const stop = async (server: ChildProcess): Promise<void> => {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL');
  await ended;
};

describe('mlflow, with a server of MLflow itself', () => {
  const test = hasMlflow ? it : it.skip;
  test(`goes on with its run after the server and the training were away${hasMlflow ? '' : ` (left out: ${PYTHON} has no mlflow)`}`, async () => {
    const folder = temporaryFolder();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    let server = await startServer(folder, port);
    const make = (maxIterations: number, onStep: (iteration: number) => Promise<void> = async () => {}) =>
      new TrainerBase({
        step: async ({ iteration }) => {
          await onStep(iteration);
          return iteration;
        },
        maxIterations,
        output: join(folder, 'run'),
        logger: new RecordingLogger(),
        // The end waits for what is left; of the first training there is nobody who would take it.
        disposeTimeout: maxIterations === 6 ? 5000 : 60_000,
        plugins: [
          mlflow({ url, experiment: 'digits', params: { solver: { baseLr: 0.1 } }, period: 2 }),
          saveAt(5, 'here'),
        ],
      });
    try {
      // The server dies within the training, which ends all the same.
      const first = make(6, async (iteration) => {
        if (iteration === 4) await stop(server);
      });
      expect(await first.train()).toMatchObject({ status: 'completed' });
      server = await startServer(folder, port);
      const second = make(8);
      await second.load(join(folder, 'run', 'here.safetensors'));
      await second.train();
      const ask = async (path: string, body?: object): Promise<Answer> => {
        const init = body && {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        };
        return (await fetch(`${url}/api/2.0/mlflow/${path}`, init)).json() as Promise<Answer>;
      };
      const { experiment } = await ask('experiments/get-by-name?experiment_name=digits');
      const { runs } = await ask('runs/search', { experiment_ids: [experiment.experiment_id] });
      expect(runs).toHaveLength(1);
      const [{ info, data } = missing()] = runs;
      expect(info).toMatchObject({ status: 'FINISHED', run_name: 'run' });
      expect(data.params).toEqual([{ key: 'solver.baseLr', value: '0.1' }]);
      const history = await ask(`metrics/get-history?run_id=${info.run_id}&metric_key=total_loss`);
      const values = new Map(history.metrics.map(({ step, value }) => [step, value]));
      expect(values).toEqual(new Map([0, 1, 2, 3, 4, 5, 6, 7].map((step) => [step, step])));
    } finally {
      await stop(server).catch(() => undefined);
    }
  }, 240_000);
});
