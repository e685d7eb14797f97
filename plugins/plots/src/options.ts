import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<PlotsOptions>()(
  z.strictObject({
    period: z.custom<Period>(isPositivePeriod, PERIOD_RULE).default(200),
    file: z.string().min(1).default('curves.svg'),
    title: z.string().default('Training'),
    points: z.int().min(16).default(512),
    exclude: z.array(z.string()).default(['eta_seconds']),
  }),
);

/** Options of {@link plots}. */
export interface PlotsOptions {
  /**
   * Draw every how many iterations, or epochs: `200`, `{ epochs: 1 }`; it is drawn at the end in any case.
   * @default 200
   */
  period?: Period;
  /**
   * The picture, in the run's folder.
   * @default 'curves.svg'
   */
  file?: string;
  /**
   * What stands above the curves.
   * @default 'Training'
   */
  title?: string;
  /**
   * Points kept of each curve, at least half as many once it is long; beyond, neighbours are averaged.
   * @default 512
   */
  points?: number;
  /**
   * Scalars that are not drawn.
   * @default ['eta_seconds']
   */
  exclude?: readonly string[];
}
