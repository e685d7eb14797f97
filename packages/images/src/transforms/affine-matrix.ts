/** The matrix [[a, b, c], [d, e, f]]: x' = a x + b y + c, y' = d x + e y + f, on edges, not on centres of pixels. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];
