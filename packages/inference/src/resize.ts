import type { Rgb } from './pixels.ts';

/**
 * Resizes a picture to the same bytes as in training. Data loaders and `hookline predict` resize with sharp, and this function
 * computes the same integer sums. It shrinks with a Lanczos filter of three lobes, after averaging groups of pixels if the factor is
 * 4 or more, and enlarges with a cubic filter (Catmull-Rom).
 *
 * sharp distinguishes 64 positions between two pixels. Where a new pixel lies exactly between two of these positions, sharp rounds
 * either way, depending on how it divides its work; such pixels may differ by a few levels.
 *
 * @param picture red, green and blue bytes
 * @param width new width in pixels, an integer of at least 1
 * @param height new height in pixels, an integer of at least 1
 */
export function resize(picture: Rgb, width: number, height: number): Rgb {
  let current = picture;
  if (height < current.height) current = shrink(current, current.height, height, averageRows, mixRows);
  if (width < current.width) current = shrink(current, current.width, width, averageColumns, mixColumns);
  return width > current.width || height > current.height ? enlarge(current, width, height) : current;
}

/** Weights are fixed-point numbers in units of 1/4096. */
const WEIGHT_BITS = 12;
const ONE = 1 << WEIGHT_BITS;
/** Added before the bits of the weights are dropped, so that sums are rounded. */
const HALF = ONE >> 1;
/** The number of positions between two neighbouring pixels that have their own weights. */
const POSITIONS = 64;

/** The old pixels along one axis from which each new pixel is computed, and their weights. */
interface Filter {
  /** The first old pixel of each new one; a pixel beyond an edge stands for the pixel at the edge. */
  readonly starts: Int32Array;
  /** For each new pixel, the weights of that old pixel and those after it. */
  readonly weights: readonly Int32Array[];
}

function shrink(
  picture: Rgb,
  from: number,
  to: number,
  average: (picture: Rgb, count: number) => Rgb,
  mix: (picture: Rgb, filter: Filter) => Rgb,
): Rgb {
  const whole = Math.max(1, Math.floor(from / to / 2));
  const averaged = whole === 1 ? picture : average(picture, whole);
  const factor = from / to / whole;
  return factor === 1 ? averaged : mix(averaged, lanczosFilter(to, factor));
}

/** @param factor number of old pixels per new one, above 1 */
function lanczosFilter(to: number, factor: number): Filter {
  const reach = Math.ceil(LOBES * factor);
  const table = weightTable((position) => {
    const values = Array.from({ length: 2 * reach + 1 }, (_, tap) => lanczos((tap - reach + 0.5 - position) / factor));
    const sum = values.reduce((total, value) => total + value, 0);
    return values.map((value) => value / sum);
  });
  return filterOf(to, factor, 0.5 * factor, reach, table);
}

const LOBES = 3;

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}

/** @param factor number of old pixels per new one, at most 1 */
function cubicFilter(to: number, factor: number): Filter {
  const table = weightTable((position) => [1 + position, position, 1 - position, 2 - position].map(cubic));
  // sharp does not align the centres of pixels: it shifts a new pixel to the left by half an old pixel minus half a new one. It does
  // the same along an axis that keeps its size when the other one is enlarged.
  return filterOf(to, factor, 0.5, 2, table);
}

function cubic(distance: number): number {
  if (distance < 1) return 1.5 * distance ** 3 - 2.5 * distance ** 2 + 1;
  return -0.5 * distance ** 3 + 2.5 * distance ** 2 - 4 * distance + 2;
}

/** The weights at each position between two pixels, both ends included. */
const weightTable = (weightsAt: (position: number) => readonly number[]): Int32Array[] =>
  // An array of integers truncates the weights, as sharp does.
  Array.from({ length: POSITIONS + 1 }, (_, place) =>
    Int32Array.from(weightsAt(place / POSITIONS), (weight) => weight * ONE),
  );

function filterOf(to: number, factor: number, first: number, before: number, table: readonly Int32Array[]): Filter {
  const starts = new Int32Array(to);
  const weights: Int32Array[] = [];
  // The positions are summed up, as in sharp, since a product may be rounded differently.
  for (let place = 0, at = first; place < to; place++, at += factor) {
    const pixel = Math.floor(at);
    starts[place] = pixel - before;
    const position = (Math.floor((at - pixel) * 2 * POSITIONS) + 1) >> 1;
    weights.push(table[position] as Int32Array);
  }
  return { starts, weights };
}

const byteOf = (sum: number): number => {
  const value = sum >> WEIGHT_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

const within = (place: number, length: number): number => (place < 0 ? 0 : place >= length ? length - 1 : place);

/** Averages each group of `count` rows. The lowest row is repeated to fill the last group. */
function averageRows({ data, width, height }: Rgb, count: number): Rgb {
  const row = width * 3;
  const rows = Math.ceil(height / count);
  const averaged = new Uint8Array(rows * row);
  const divide = divisionBy(count);
  const sums = new Int32Array(row);
  for (let y = 0; y < rows; y++) {
    sums.fill(0);
    for (let each = 0; each < count; each++) {
      const from = within(y * count + each, height) * row;
      for (let x = 0; x < row; x++) sums[x] = (sums[x] as number) + (data[from + x] as number);
    }
    for (let x = 0; x < row; x++) averaged[y * row + x] = divide(sums[x] as number);
  }
  return { data: averaged, width, height: rows };
}

/** Averages each group of `count` columns. The rightmost column is repeated to fill the last group. */
function averageColumns({ data, width, height }: Rgb, count: number): Rgb {
  const columns = Math.ceil(width / count);
  const averaged = new Uint8Array(height * columns * 3);
  const divide = divisionBy(count);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      let [red, green, blue] = [0, 0, 0];
      for (let each = 0; each < count; each++) {
        const from = (y * width + within(x * count + each, width)) * 3;
        red += data[from] as number;
        green += data[from + 1] as number;
        blue += data[from + 2] as number;
      }
      averaged[to++] = divide(red);
      averaged[to++] = divide(green);
      averaged[to++] = divide(blue);
    }
  }
  return { data: averaged, width: columns, height };
}

/** Returns a rounded division of sums of bytes. Like sharp, it multiplies by a 32-bit fraction. */
function divisionBy(count: number): (sum: number) => number {
  const reciprocal = Math.floor(2 ** 32 / (256 * count));
  const half = count >> 1;
  return (sum) => Math.imul(sum + half, reciprocal) >>> 24;
}

function mixRows({ data, width, height }: Rgb, { starts, weights }: Filter): Rgb {
  const row = width * 3;
  const mixed = new Uint8Array(starts.length * row);
  const sums = new Int32Array(row);
  for (const [y, own] of weights.entries()) {
    sums.fill(HALF);
    for (let tap = 0; tap < own.length; tap++) {
      const weight = own[tap] as number;
      if (weight === 0) continue;
      const from = within((starts[y] as number) + tap, height) * row;
      for (let x = 0; x < row; x++) sums[x] = (sums[x] as number) + weight * (data[from + x] as number);
    }
    for (let x = 0; x < row; x++) mixed[y * row + x] = byteOf(sums[x] as number);
  }
  return { data: mixed, width, height: starts.length };
}

function mixColumns({ data, width, height }: Rgb, filter: Filter): Rgb {
  const columns = filter.starts.length;
  const mixed = new Uint8Array(height * columns * 3);
  for (let y = 0; y < height; y++)
    mixRow(data, y * width, width, filter, (place, sum) => (mixed[y * columns * 3 + place] = byteOf(sum)));
  return { data: mixed, width: columns, height };
}

/** Computes the weighted sums of one row and passes each to `put`, channel by channel. */
function mixRow(
  data: Uint8Array,
  start: number,
  width: number,
  { starts, weights }: Filter,
  put: (place: number, sum: number) => void,
): void {
  let to = 0;
  for (const [x, own] of weights.entries()) {
    let [red, green, blue] = [HALF, HALF, HALF];
    for (let tap = 0; tap < own.length; tap++) {
      const weight = own[tap] as number;
      const from = (start + within((starts[x] as number) + tap, width)) * 3;
      red += weight * (data[from] as number);
      green += weight * (data[from + 1] as number);
      blue += weight * (data[from + 2] as number);
    }
    put(to++, red);
    put(to++, green);
    put(to++, blue);
  }
}

/** Enlarges both axes at once, because rounding to bytes in between would clip values that overshoot. */
function enlarge({ data, width, height }: Rgb, newWidth: number, newHeight: number): Rgb {
  const columns = cubicFilter(newWidth, width / newWidth);
  const { starts, weights } = cubicFilter(newHeight, height / newHeight);
  const row = newWidth * 3;
  const wide = new Int16Array(height * row);
  for (let y = 0; y < height; y++)
    mixRow(data, y * width, width, columns, (place, sum) => (wide[y * row + place] = sum >> WEIGHT_BITS));
  const mixed = new Uint8Array(newHeight * row);
  for (const [y, own] of weights.entries()) {
    const rows = Array.from(own, (_, tap) => within((starts[y] as number) + tap, height) * row);
    for (let x = 0; x < row; x++) {
      let sum = HALF;
      for (let tap = 0; tap < own.length; tap++)
        sum += (own[tap] as number) * (wide[(rows[tap] as number) + x] as number);
      mixed[y * row + x] = byteOf(sum);
    }
  }
  return { data: mixed, width: newWidth, height: newHeight };
}
