/** An axis: a range of values, their positions, and the values with a grid line and a label. */
export interface Axis {
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
  /** Position of a value: 0 at the lower end, 1 at the upper end. */
  position(value: number): number;
}

/** An axis with ticks at 1, 2 or 5 times a power of ten; the range is widened to the outer ticks unless `tight`. */
export function linearAxis(min: number, max: number, wanted: number, tight = false): Axis {
  const pad = min === max ? Math.abs(min) * 0.1 || 1 : 0;
  let [low, high] = [min - pad, max + pad];
  // The room around a single value leaves what a share from 0 to 1, or an AP up to 100, can be.
  if (min >= 0) low = Math.max(0, low);
  for (const most of [1, 100]) if (max <= most) high = Math.min(high, most);
  const step = niceStep((high - low) / wanted);
  const from = tight ? Math.ceil(low / step - 1e-9) : Math.floor(low / step + 1e-9);
  const to = tight ? Math.floor(high / step + 1e-9) : Math.ceil(high / step - 1e-9);
  if (!tight) [low, high] = [from * step, to * step];
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => {
    const value = Number(((from + i) * step).toPrecision(12));
    return { value, label: tickLabel(value, step) };
  });
  return { ticks, position: (value) => (value - low) / (high - low) };
}

/** A logarithmic axis of positive values, with ticks at powers of ten and, over few decades, between them. */
export function logAxis(min: number, max: number): Axis {
  const [low, high] = [Math.log10(min), Math.log10(max)];
  const decades = high - low;
  const factors = decades <= 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / 6));
  const ticks: { value: number; label: string }[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      const at = Math.log10(value);
      if (at >= low - 1e-9 && at <= high + 1e-9) ticks.push({ value, label: tickLabel(value, value) });
    }
  }
  return { ticks, position: (value) => (Math.log10(Math.max(value, min)) - low) / (high - low) };
}

/** The smallest number of the form 1, 2 or 5 times a power of ten that is not below `rough`. */
export function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10) * power;
}

/** Formats a tick's value with the number of decimals that the step needs; thousands as `k`, millions as `M`. */
export function tickLabel(value: number, step: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-3)
    return value
      .toExponential()
      .replace(/(\.\d{2})\d+/, '$1')
      .replace('e+', 'e');
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toFixed(decimals);
}
