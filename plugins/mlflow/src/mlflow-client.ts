import { HooklineError } from '@hookline/core';

/** A metric in the form of MLflow's REST API. The value is a string if JSON has no number for it. */
export interface MlflowMetric {
  readonly key: string;
  readonly value: number | string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

interface NamedValue {
  readonly key: string;
  readonly value: string;
}

/** The data with which a run is created. */
export interface NewRun {
  readonly experiment: string;
  readonly name: string;
  readonly startTime: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** MLflow's status of a run. */
export type RunStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED';

/** Thrown if the server rejects a request, so that sending it again is useless. */
export class RefusedError extends HooklineError {}

const pairs = (values: Readonly<Record<string, string>>): NamedValue[] =>
  Object.entries(values).map(([key, value]) => ({ key, value }));

/** The part of MLflow's REST API (2.0) that a training needs. */
export class MlflowClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param url address of the server; credentials come from the environment */
  constructor(url: string, environment: NodeJS.ProcessEnv = process.env) {
    this.#url = url.replace(/\/+$/, '');
    const {
      MLFLOW_TRACKING_TOKEN: token,
      MLFLOW_TRACKING_USERNAME: user,
      MLFLOW_TRACKING_PASSWORD: password = '',
    } = environment;
    const basic = user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const authorization = basic ?? (token === undefined ? undefined : `Bearer ${token}`);
    this.#headers = authorization === undefined ? {} : { authorization };
  }

  /** Returns the id of an experiment, and creates it if it does not exist. */
  async experiment(name: string, signal: AbortSignal): Promise<string> {
    const find = async (): Promise<string | undefined> => {
      const query = new URLSearchParams({ experiment_name: name });
      const found = await this.#call('GET', `experiments/get-by-name?${query.toString()}`, undefined, signal, 404);
      return (found as { experiment?: { experiment_id: string } } | undefined)?.experiment?.experiment_id;
    };
    const found = await find();
    if (found !== undefined) return found;
    try {
      const made = await this.#call('POST', 'experiments/create', { name }, signal);
      return (made as { experiment_id: string }).experiment_id;
    } catch (error) {
      // Another client may have created it in the meantime.
      const other = await find();
      if (other === undefined) throw error;
      return other;
    }
  }

  /** Creates a run. @returns its id */
  async createRun({ experiment, name, startTime, tags }: NewRun, signal: AbortSignal): Promise<string> {
    const body = { experiment_id: experiment, run_name: name, start_time: startTime, tags: pairs(tags) };
    const made = (await this.#call('POST', 'runs/create', body, signal)) as { run: { info: { run_id: string } } };
    return made.run.info.run_id;
  }

  /** The id of the run with a tag, if there is one. */
  async findRun(experiment: string, tag: string, value: string, signal: AbortSignal): Promise<string | undefined> {
    const body = { experiment_ids: [experiment], filter: `tags.\`${tag}\` = '${value}'`, max_results: 1 };
    const found = (await this.#call('POST', 'runs/search', body, signal)) as {
      runs?: { info: { run_id: string } }[];
    };
    return found.runs?.[0]?.info.run_id;
  }

  async logParams(run: string, params: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const all = pairs(params);
    // The API accepts at most a hundred at a time.
    for (let from = 0; from < all.length; from += 100)
      await this.#call('POST', 'runs/log-batch', { run_id: run, params: all.slice(from, from + 100) }, signal);
  }

  /** @param metrics at most a thousand */
  async logMetrics(run: string, metrics: readonly MlflowMetric[], signal: AbortSignal): Promise<void> {
    await this.#call('POST', 'runs/log-batch', { run_id: run, metrics }, signal);
  }

  async setStatus(run: string, status: RunStatus, time: number, signal: AbortSignal): Promise<void> {
    const end = status === 'RUNNING' ? {} : { end_time: time };
    await this.#call('POST', 'runs/update', { run_id: run, status, ...end }, signal);
  }

  /** @param absent status code for which the result is undefined */
  async #call(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
    absent?: number,
  ): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/2.0/mlflow/${path}`, {
      method,
      signal,
      headers: { ...this.#headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === absent) return undefined;
    if (!response.ok) {
      const what = `${path} answered ${response.status} ${response.statusText}: ${text.slice(0, 300)}`;
      const Failure = response.status === 400 ? RefusedError : HooklineError;
      throw new Failure('HKL_MLFLOW', what, {
        who: this.#url,
        fix: "Look for the cause in the server's log; unsent messages are kept and sent later",
      });
    }
    return JSON.parse(text) as unknown;
  }
}
