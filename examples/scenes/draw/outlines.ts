/** A point with coordinates from -1 to 1; y points down. */
export type Point = readonly [x: number, y: number];

/** The shape of a class: an area bounded by closed lines, or lines drawn with a pen. */
export interface Outline {
  readonly name: string;
  /** The lines; those of an area are closed. */
  readonly lines: readonly (readonly Point[])[];
  /** Half the width of the pen; undefined for an area. */
  readonly pen?: number;
  /** Greatest rotation to either side in radians. */
  readonly turn: number;
}

/** Points on an arc of an ellipse. Angles are in degrees, clockwise; 0 is to the right. */
function arc([x, y]: Point, [rx, ry]: Point, from: number, to: number): Point[] {
  const steps = Math.max(4, Math.ceil(Math.abs(to - from) / 15));
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)] as const;
  });
}

/** `count` corners at equal angles, the first at the top. Their radii take the values of `radii` in turn. */
function corners(count: number, ...radii: readonly number[]): Point[] {
  return Array.from({ length: count }, (_, place) => {
    const angle = (place / count) * 2 * Math.PI - Math.PI / 2;
    const radius = radii[place % radii.length] as number;
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  });
}

/** The heart curve x = 16 sin³ t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t. */
const heart = Array.from({ length: 36 }, (_, step): Point => {
  const t = (step / 36) * 2 * Math.PI;
  const y = 13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t);
  return [Math.sin(t) ** 3, -y / 16 - 0.1];
});

const [ANY, SLIGHT] = [Math.PI, 0.45];

/** The classes in the order of their ids: five shapes and three glyphs. */
export const OUTLINES: readonly Outline[] = [
  { name: 'circle', lines: [arc([0, 0], [0.95, 0.95], 0, 360)], turn: ANY },
  { name: 'square', lines: [corners(4, 1.15)], turn: ANY },
  { name: 'triangle', lines: [corners(3, 1.15)], turn: ANY },
  { name: 'star', lines: [corners(10, 1.1, 0.5)], turn: ANY },
  { name: 'heart', lines: [heart], turn: SLIGHT },
  {
    name: 'A',
    pen: 0.17,
    turn: SLIGHT,
    lines: [
      [
        [-0.68, 0.85],
        [0, -0.85],
        [0.68, 0.85],
      ],
      [
        [-0.42, 0.28],
        [0.42, 0.28],
      ],
    ],
  },
  {
    name: 'S',
    pen: 0.17,
    turn: SLIGHT,
    lines: [[...arc([0, -0.43], [0.52, 0.43], -25, -270), ...arc([0, 0.43], [0.55, 0.43], -90, 155)]],
  },
  {
    name: 'R',
    pen: 0.17,
    turn: SLIGHT,
    lines: [
      [[-0.5, 0.85], [-0.5, -0.85], ...arc([0.1, -0.42], [0.45, 0.43], -90, 90), [-0.5, 0.01]],
      [
        [0.02, 0.01],
        [0.6, 0.85],
      ],
    ],
  },
];
