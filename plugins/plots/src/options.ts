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
   * Iterations, or epochs, between drawings: `200`, `{ epochs: 1 }`; the end is always drawn.
   * @default 200
   */
  period?: Period;
  /**
   * File name of the picture in the run's folder.
   * @default 'curves.svg'
   */
  file?: string;
  /**
   * Title above the curves.
   * @default 'Training'
   */
  title?: string;
  /**
   * Largest number of points per curve; in longer runs neighbours are averaged, which leaves at least half as many.
   * @default 512
   */
  points?: number;
  /**
   * Scalars that are not drawn.
   * @default ['eta_seconds']
   */
  exclude?: readonly string[];
}
