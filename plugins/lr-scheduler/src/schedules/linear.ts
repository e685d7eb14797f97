import { z } from 'zod';
import { type Factor, progress } from './position.ts';

export const linearSchema = z.strictObject({
  type: z.literal('linear'),
  /** Factor at the start. @default 1 */
  start: z.number().nonnegative().default(1),
  /** Factor at the end. @default 0 */
  end: z.number().nonnegative().default(0),
});

export type LinearSchedule = z.input<typeof linearSchema>;

/** Linear interpolation. */
export const linear = (options: Omit<LinearSchedule, 'type'> = {}): LinearSchedule => ({ type: 'linear', ...options });

/** e·w + s·(1 − w) */
export const linearFactor =
  ({ start, end }: z.output<typeof linearSchema>): Factor =>
  (position) => {
    const w = progress(position);
    return end * w + start * (1 - w);
  };
