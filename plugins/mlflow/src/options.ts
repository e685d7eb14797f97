import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<MlflowOptions>()(
  z.strictObject({
    url: z.url().optional(),
    experiment: z.string().min(1).default('Default'),
    runName: z.string().min(1).optional(),
    params: z.record(z.string(), z.unknown()).optional(),
    tags: z.record(z.string(), z.string()).default({}),
    period: z.custom<Period>(isPositivePeriod, PERIOD_RULE).default(20),
    timeout: z.number().positive().default(10),
  }),
);

/** Options of {@link mlflow}. */
export interface MlflowOptions {
  /**
   * Address of the tracking server, such as `http://localhost:5000`. Credentials come from the environment,
   * as with MLflow's own client: `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD`, `MLFLOW_TRACKING_TOKEN`.
   * @default the environment variable MLFLOW_TRACKING_URI
   */
  url?: string;
  /**
   * Name of the experiment; it is created if it does not exist.
   * @default 'Default'
   */
  experiment?: string;
  /**
   * Name of the run.
   * @default the name of the run's folder
   */
  runName?: string;
  /**
   * Parameters of the run; nested keys get names with dots, such as `solver.baseLr`.
   * @default the config, of a DefaultTrainer
   */
  params?: Readonly<Record<string, unknown>>;
  /**
   * Tags of the run.
   * @default none
   */
  tags?: Readonly<Record<string, string>>;
  /**
   * Iterations, or epochs, between messages with metrics: `20`, `{ epochs: 1 }`.
   * @default 20
   */
  period?: Period;
  /**
   * Seconds before an attempt to send is aborted and retried.
   * @default 10
   */
  timeout?: number;
}
