import type { JsonValue } from '../json.ts';
import type { ArrangedPlugin } from '../plugin/plugin.ts';
import type { EpochClockState } from '../services/epochs.ts';
import type { Logger } from '../services/logger.ts';
import { isPlainObject } from '../plain-object.ts';

/** The settings of a run that are compared when it is resumed. */
export interface RunSettings {
  readonly maxIterations: number;
  /** How epochs are counted, where that is known. */
  readonly epochs: EpochClockState | undefined;
  readonly plugins: readonly Pick<ArrangedPlugin, 'plugin' | 'options'>[];
}

/** An option with a longer list, or nested deeper, counts as data and not as a setting. */
const [LONGEST, DEEPEST] = [32, 5];
/** How many differences are reported one by one. */
const NAMED = 12;

/** The settings as JSON: numbers, strings and booleans, in lists and plain objects; functions and data are left out. */
export function describeRun({ maxIterations, epochs, plugins }: RunSettings): JsonValue {
  const options = plugins.map(({ plugin, options: own }) => [plugin.id, plain(own, 0) ?? {}] as const);
  return { maxIterations, ...(epochs && { epochs: { ...epochs } }), plugins: Object.fromEntries(options) };
}

/** How epochs were counted, according to a checkpoint; undefined where it does not say. */
export function savedEpochs(saved: unknown): EpochClockState | undefined {
  const { epochs } = isPlainObject(saved) ? (saved as { readonly epochs?: unknown }) : {};
  if (!isPlainObject(epochs)) return undefined;
  const { length, origin } = epochs as Partial<Record<string, unknown>>;
  return isAmount(length) && length > 0 && isAmount(origin) ? { length, origin } : undefined;
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/**
 * Logs the settings that differ from those of the checkpoint.
 *
 * @param saved what {@link describeRun} returned when the checkpoint was saved; undefined where the checkpoint lacks it
 * @param seed the seed of the options, if there is one, and that of the checkpoint, with which the run continues
 */
export function logDifferences(
  saved: unknown,
  settings: RunSettings,
  seed: { readonly seed: number | undefined; readonly saved: number },
  source: string,
  logger: Logger,
): void {
  if (seed.seed !== undefined && seed.seed >= 0 && seed.seed !== seed.saved)
    logger.warn(`the run goes on with seed ${seed.saved} of ${source}; seed ${seed.seed} is for new runs`);
  if (saved === undefined) {
    logger.warn(`${source} does not say with which options it was trained, so that no difference can be told`);
    return;
  }
  const { maxIterations, plugins = {} } = isPlainObject(saved)
    ? (saved as { maxIterations?: unknown; plugins?: unknown })
    : {};
  const length = savedEpochs(saved)?.length;
  if (length === undefined && isPlainObject(saved) && Object.hasOwn(saved, 'epochs'))
    logger.warn(
      `entry hookline/run of ${source} does not tell how epochs were counted: they are counted from the first step`,
    );
  if (!Number.isSafeInteger(maxIterations) || !isPlainObject(plugins)) {
    logger.warn(`entry hookline/run of ${source} is no list of options, so that no difference can be told`);
    return;
  }
  const here = describeRun(settings) as { readonly plugins: Readonly<Record<string, JsonValue>> };
  const lines = [
    ...describeDifferences(maxIterations, settings.maxIterations, 'maxIterations'),
    // Not all data tell how long an epoch is.
    ...(length === undefined || settings.epochs === undefined
      ? []
      : describeDifferences(length, settings.epochs.length, 'the number of steps of an epoch')),
    ...Object.entries(here.plugins).flatMap(([id, options]) =>
      Object.hasOwn(plugins, id) ? describeDifferences(plugins[id], options, id) : [],
    ),
  ];
  for (const line of lines.slice(0, NAMED)) logger.info(`differs from ${source}: ${line}`);
  if (lines.length > NAMED) logger.info(`and ${lines.length - NAMED} more settings differ from ${source}`);
}

/** Describes the differences between two plain values, one sentence each: `PATH is VALUE, it was VALUE`. */
export function describeDifferences(before: unknown, now: unknown, path: string, was = 'it was'): readonly string[] {
  if (isPlainObject(before) && isPlainObject(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((key) => describeDifferences(before[key], now[key], `${path}.${key}`, was));
  }
  const [first, second] = [show(before), show(now)];
  return first === second ? [] : [`${path} is ${second}, ${was} ${first}`];
}

function show(value: unknown): string {
  if (value === undefined) return 'not given';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function plain(value: unknown, depth: number): JsonValue | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number')
    return value;
  if (depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    if (value.length > LONGEST) return undefined;
    const list = value.map((item) => plain(item, depth + 1));
    return list.every((item) => item !== undefined) ? list : undefined;
  }
  if (!isPlainObject(value)) return undefined;
  const entries = Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)] as const);
  return Object.fromEntries(entries.filter(([key, item]) => item !== undefined && key !== '__proto__')) as JsonValue;
}
