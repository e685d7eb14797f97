import { z } from 'zod';
import { type Factor, progress } from './position.ts';

export const cosineSchema = z.strictObject({
  type: z.literal('cosine'),
  /** Factor at the start. @default 1 */
  start: z.number().nonnegative().default(1),
  /** Factor at the end. @default 0 */
  end: z.number().nonnegative().default(0),
});

export type CosineSchedule = z.input<typeof cosineSchema>;

/** Half a wave of a cosine. */
export const cosine = (options: Omit<CosineSchedule, 'type'> = {}): CosineSchedule => ({ type: 'cosine', ...options });

/** e + ½(s − e)(1 + cos πw) */
export const cosineFactor =
  ({ start, end }: z.output<typeof cosineSchema>): Factor =>
  (position) =>
    end + 0.5 * (start - end) * (1 + Math.cos(Math.PI * progress(position)));
