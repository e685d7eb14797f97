import type { Rgb } from './pixels.ts';

/** For each new place along an axis, the first old place that it is mixed from, and the shares of that and the next ones. */
interface Mix {
  readonly starts: Int32Array;
  readonly shares: Float64Array;
  /** How many old places each new one is mixed from. */
  readonly taps: number;
}

const LANCZOS = 3;

/**
 * The picture at another size, as the loader and `hookline predict` make it (sharp's default): smaller by Lanczos over three
 * lobes, from a factor of 4 on after averaging whole pixels; larger by a cubic curve through the pixels (Catmull-Rom).
 */
export function resize(picture: Rgb, width: number, height: number): Rgb {
  let current = picture;
  // The vertical direction first, with whole bytes in between.
  const shrinkY = wholeFactor(current.height, height);
  if (shrinkY > 1) current = mixRows(current, averages(current.height, shrinkY));
  const shrinkX = wholeFactor(current.width, width);
  if (shrinkX > 1) current = mixColumns(current, averages(current.width, shrinkX));
  if (height !== current.height) current = mixRows(current, mixOf(current.height, height, picture.height / shrinkY));
  if (width !== current.width) current = mixColumns(current, mixOf(current.width, width, picture.width / shrinkX));
  return current;
}

/** By how many whole pixels it is shrunk first, so that at least a factor of 2 is left. */
const wholeFactor = (from: number, to: number): number => Math.max(1, Math.floor(from / to / 2));

/** Averages of so many neighbours; the last ones are filled up with the edge. */
function averages(size: number, factor: number): Mix {
  const count = Math.ceil(size / factor);
  const starts = Int32Array.from({ length: count }, (_, place) => place * factor);
  return { starts, shares: new Float64Array(count * factor).fill(1 / factor), taps: factor };
}

/** @param exact the old size, not rounded up to whole pixels */
function mixOf(from: number, to: number, exact: number): Mix {
  const factor = exact / to;
  const isSmaller = factor > 1;
  const stretch = isSmaller ? factor : 1;
  const reach = isSmaller ? LANCZOS * stretch : 2;
  const taps = Math.ceil(2 * reach) + 1;
  const starts = new Int32Array(to);
  const shares = new Float64Array(to * taps);
  for (let place = 0; place < to; place++) {
    // Where sharp enlarges, pixels lie half an old one less half a new one further to the left.
    const centre = isSmaller ? (place + 0.5) * factor - 0.5 : place * factor - 0.5;
    const start = Math.ceil(centre - reach);
    starts[place] = start;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const share = (isSmaller ? lanczos : cubic)((start + tap - centre) / stretch);
      shares[place * taps + tap] = share;
      sum += share;
    }
    for (let tap = 0; tap < taps; tap++) shares[place * taps + tap] = (shares[place * taps + tap] as number) / sum;
  }
  return { starts, shares, taps };

  function lanczos(x: number): number {
    if (x === 0) return 1;
    if (Math.abs(x) >= LANCZOS) return 0;
    const angle = Math.PI * x;
    return (LANCZOS * Math.sin(angle) * Math.sin(angle / LANCZOS)) / (angle * angle);
  }
  function cubic(x: number): number {
    const t = Math.abs(x);
    if (t < 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
    return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
  }
}

const byte = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value));

function mixRows({ data, width, height }: Rgb, { starts, shares, taps }: Mix): Rgb {
  const row = width * 3;
  const mixed = new Uint8Array(starts.length * row);
  const sums = new Float64Array(row);
  for (let y = 0; y < starts.length; y++) {
    sums.fill(0);
    for (let tap = 0; tap < taps; tap++) {
      const share = shares[y * taps + tap] as number;
      if (share === 0) continue;
      // Beyond its edges a picture goes on as at them.
      const from = Math.min(Math.max((starts[y] as number) + tap, 0), height - 1) * row;
      for (let x = 0; x < row; x++) sums[x] = (sums[x] as number) + share * (data[from + x] as number);
    }
    for (let x = 0; x < row; x++) mixed[y * row + x] = byte(sums[x] as number);
  }
  return { data: mixed, width, height: starts.length };
}

function mixColumns({ data, width, height }: Rgb, { starts, shares, taps }: Mix): Rgb {
  const count = starts.length;
  const mixed = new Uint8Array(height * count * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < count; x++) {
      let [red, green, blue] = [0, 0, 0];
      for (let tap = 0; tap < taps; tap++) {
        const share = shares[x * taps + tap] as number;
        if (share === 0) continue;
        const from = (y * width + Math.min(Math.max((starts[x] as number) + tap, 0), width - 1)) * 3;
        red += share * (data[from] as number);
        green += share * (data[from + 1] as number);
        blue += share * (data[from + 2] as number);
      }
      const to = (y * count + x) * 3;
      mixed[to] = byte(red);
      mixed[to + 1] = byte(green);
      mixed[to + 2] = byte(blue);
    }
  }
  return { data: mixed, width: count, height };
}
