import type { Mismatch } from '../variables/restore-variables.ts';
import type { Matches } from './match-names.ts';
import { layersAmong, someOf } from './some-of.ts';
import { nothingFits, weightsError } from './weights-error.ts';

/** The share of weights that must match. */
const SHARE = 0.8;

/** The result of matching a model with a file. */
interface Found {
  readonly path: string;
  readonly model: string;
  readonly variables: readonly string[];
  /** All names in the file. */
  readonly names: readonly string[];
  readonly matches: Matches;
  readonly loaded: ReadonlyMap<string, unknown>;
  readonly mismatched: readonly Mismatch[];
  readonly partial: boolean;
}

/** @throws HooklineError `HKL_WEIGHTS_NONE` where nothing fits, `HKL_WEIGHTS_MISMATCH` where too little fits */
export function assertEnough(found: Found): void {
  const { path, model, variables, names, matches, loaded, mismatched, partial } = found;
  if (loaded.size === 0) throw nothingFits(path, model, { variables, names, misfits: wordsOf(matches, mismatched) });
  if (partial) return;
  const lacking = matches.expected.filter((name) => !loaded.has(name));
  const used = new Set([...loaded.keys()].map((name) => matches.pairs.get(name)?.name));
  const unexpected = matches.offered.filter((name) => !used.has(name));
  const isModelServed = isFew(lacking, matches.expected);
  const isFileUsed = isFew(unexpected, matches.offered);
  if (matches.isCertain ? isModelServed || isFileUsed : isModelServed && isFileUsed) return;
  const what = [
    `too little fits the model "${model}": of ${matches.expected.length} tensors that it expects, ${matches.expected.length - lacking.length} can be loaded`,
    ...wordsOf(matches, mismatched).slice(0, 1),
    lacking.length > mismatched.length && `missing: ${someOf(layersAmong(lacking))}`,
    unexpected.length > 0 && `left in the file: ${someOf(layersAmong(unexpected))}`,
  ];
  throw weightsError(
    'HKL_WEIGHTS_MISMATCH',
    what.filter((part) => part !== false).join('; '),
    path,
    "Give weights of this architecture; or, where this is meant, load what fits with --allow-mismatch weights (in code: allowMismatch: ['weights'], or loadWeights(model, file, { partial: true }))",
  );
}

/** Whether the misfits are few: at most a fifth of all, or one layer, such as a head with another number of classes. */
const isFew = (misfits: readonly string[], all: readonly string[]): boolean =>
  misfits.length <= all.length * (1 - SHARE) || layersAmong(misfits).length <= 1;

const wordsOf = ({ misfits = [] }: Matches, mismatched: readonly Mismatch[]): readonly string[] => [
  ...misfits,
  ...mismatched.map(({ name, found, wanted }) => `${name} is ${wanted} in the model, and ${found} in the file`),
];
