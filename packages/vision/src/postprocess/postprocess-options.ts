import { z } from 'zod';

/** Checks of `PostprocessOptions`, for plugins that have them among their own options. */
export const postprocessShape = {
  scoreThreshold: z.number().min(0).max(1).optional(),
  topK: z.int().min(1).optional(),
  nmsThreshold: z.number().min(0).max(1).optional(),
  maxDetections: z.int().min(1).optional(),
};
