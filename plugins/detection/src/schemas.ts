import type { DataSource } from '@hookline/tfjs';
import { z } from 'zod';

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** Batches to iterate, or a function that returns them. */
export const loaderSchema = z.custom<DataSource>(
  (value) => isFunction(value) || (typeof value === 'object' && value !== null),
  'must be batches to iterate, or a function that returns them',
);

/** How outputs become detections; see PostprocessOptions. */
export const postprocessShape = {
  scoreThreshold: z.number().min(0).max(1).optional(),
  topK: z.int().min(1).optional(),
  nmsThreshold: z.number().min(0).max(1).optional(),
  maxDetections: z.int().min(1).optional(),
};
