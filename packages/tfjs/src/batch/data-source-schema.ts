import { z } from 'zod';
import type { DataSource } from './open-data.ts';

/** Checks an option of a plugin that takes a {@link DataSource}: batches to iterate, or a function that returns them. */
export const dataSourceSchema: z.ZodType<DataSource, DataSource> = z.custom<DataSource>(
  (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
  'must be batches to iterate, or a function that returns them',
);
