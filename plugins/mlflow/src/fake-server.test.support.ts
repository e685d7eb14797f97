import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MlflowMetric } from './mlflow-client.ts';

/** The data of a run on the fake server. */
export interface FakeRun {
  readonly id: string;
  readonly tags: { key: string; value: string }[];
  readonly params: { key: string; value: string }[];
  readonly metrics: MlflowMetric[];
  readonly statuses: string[];
}

interface Body {
  readonly run_id?: string;
  readonly status?: string;
  readonly tags?: FakeRun['tags'];
  readonly params?: FakeRun['params'];
  readonly metrics?: MlflowMetric[];
  readonly filter?: string;
}

/** A fake server that implements the part of MLflow's API that the plugin uses. */
export class FakeServer {
  readonly runs: FakeRun[] = [];
  requests = 0;
  /** `error` answers 500, `hang` never answers, `lost` does the work but does not answer, `refuse` rejects metrics, `dead` is closed. */
  mode: 'ok' | 'error' | 'hang' | 'lost' | 'refuse' | 'dead' = 'ok';
  #server: Server | undefined;
  port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.requests++;
        const { mode } = this;
        if (mode === 'hang') return;
        if (mode === 'error') return void response.writeHead(500).end('out of order');
        const body = parts.length === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString()) as Body);
        if (mode === 'refuse' && body.metrics !== undefined) return void response.writeHead(400).end('no metric');
        const answer = this.#answer(new URL(request.url ?? '', this.url).pathname, body);
        if (mode === 'lost') return void request.socket.destroy();
        response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}));
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
  }

  #answer(path: string, body: Body): object | undefined {
    const run = this.runs.find(({ id }) => id === body.run_id);
    switch (path.replace('/api/2.0/mlflow/', '')) {
      case 'experiments/create':
        return { experiment_id: '7' };
      case 'runs/create': {
        const made: FakeRun = {
          id: `run${this.runs.length}`,
          tags: body.tags ?? [],
          params: [],
          metrics: [],
          statuses: [],
        };
        this.runs.push(made);
        return { run: { info: { run_id: made.id } } };
      }
      case 'runs/search': {
        const found = this.runs.filter(({ tags }) => tags.some(({ value }) => body.filter?.includes(value)));
        return { runs: found.map(({ id }) => ({ info: { run_id: id } })) };
      }
      case 'runs/log-batch':
        run?.metrics.push(...(body.metrics ?? []));
        run?.params.push(...(body.params ?? []));
        return run && {};
      case 'runs/update':
        run?.statuses.push(body.status ?? '');
        return run && {};
      default:
        return undefined;
    }
  }
}
