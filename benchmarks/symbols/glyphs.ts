import type { Outline, Point } from '../../examples/scenes/draw/outlines.ts';

/** Points on an arc of a circle around the origin. Angles are in degrees, clockwise; 0 is to the right. */
function ring(radius: number, from: number, to: number): Point[] {
  const steps = Math.max(6, Math.ceil(Math.abs(to - from) / 15));
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  });
}

const [WHOLE, OPEN] = [ring(0.85, 0, 360), ring(0.85, 40, 320)];
const STYLE = { pen: 0.13, turn: Math.PI };
const line = (...points: Point[]): readonly Point[] => points;

/**
 * The classes: rings that differ by one stroke of about eight pixels. No class looks like a rotated or mirrored copy of
 * another.
 */
export const GLYPHS: readonly Outline[] = [
  { name: 'ring', ...STYLE, lines: [WHOLE] },
  { name: 'dot', ...STYLE, lines: [WHOLE, line([-0.02, 0], [0.02, 0])] },
  { name: 'tail', ...STYLE, lines: [WHOLE, line([0.3, 0.3], [0.9, 0.9])] },
  { name: 'bar', ...STYLE, lines: [WHOLE, line([-0.4, 0], [0.4, 0])] },
  { name: 'gap', ...STYLE, lines: [OPEN] },
  { name: 'hook', ...STYLE, lines: [OPEN, line([0.65, 0.52], [0.65, 0.05], [0.2, 0.05])] },
];
