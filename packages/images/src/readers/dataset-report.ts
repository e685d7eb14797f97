import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';

/** Kinds of findings: what can be wrong with data, or is worth knowing about them. */
export type ProblemKind =
  | 'annotation-invalid'
  | 'annotation-orphaned'
  | 'annotation-unreadable'
  | 'box-clipped'
  | 'box-empty'
  | 'box-from-zero'
  | 'box-invalid'
  | 'box-normalised'
  | 'box-outside'
  | 'category-left-out'
  | 'category-unknown'
  | 'crowd'
  | 'duplicate-annotation-id'
  | 'duplicate-image-id'
  | 'exif-rotation'
  | 'ids-renumbered'
  | 'image-alpha'
  | 'image-ambiguous'
  | 'image-damaged'
  | 'image-grey'
  | 'image-invalid'
  | 'image-missing'
  | 'image-misnamed'
  | 'image-outside'
  | 'image-renamed'
  | 'image-size'
  | 'image-truncated'
  | 'image-unreadable'
  | 'images-absent'
  | 'labels-absent';

/** One finding about one file. */
export interface DatasetProblem {
  readonly kind: ProblemKind;
  /** What happens to the data: the image or the annotation is dropped, or it is kept with a change, or kept as it is (`note`). */
  readonly effect: 'image' | 'annotation' | 'changed' | 'note';
  /** The image or annotation file that the finding is about. */
  readonly file: string;
  /** What was found and what was done about it, without a full stop. */
  readonly message: string;
}

/** The findings of a reader. */
export interface DatasetReport {
  /** The file or folder that was read. */
  readonly source: string;
  /** Number of images and of annotations in the files. */
  readonly images: number;
  readonly annotations: number;
  /** Number of images and of annotations in the records. */
  readonly keptImages: number;
  readonly keptAnnotations: number;
  readonly problems: readonly DatasetProblem[];
}

const EFFECTS = { image: 'image dropped', annotation: 'object dropped', changed: 'changed', note: 'note' } as const;

/** Collects findings. */
export class ProblemList {
  readonly problems: DatasetProblem[] = [];

  add(effect: DatasetProblem['effect'], kind: ProblemKind, file: string, message: string): void {
    this.problems.push({ effect, kind, file, message });
  }

  /** Throws when anything was dropped or changed. @throws HooklineError `HKL_DATASET_INVALID`, which lists each such finding */
  refuse(source: string): void {
    const grave = this.problems.filter(({ effect }) => effect !== 'note');
    if (grave.length === 0) return;
    const lines = grave.map((problem) => `\n  ${formatProblem(problem)}`).join('');
    throw new HooklineError('HKL_DATASET_INVALID', `${count(grave.length, 'problem')}:${lines}`, {
      who: source,
      fix: 'Fix the data, or read it without `strict`, which leaves out invalid images and objects',
    });
  }
}

/**
 * Formats a report as text: the totals, then the count of each kind of finding with the files concerned.
 *
 * @param options.files maximum number of files named for each kind. Default 10; Infinity names all
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function formatReport(report: DatasetReport, options: { readonly files?: number } = {}): string {
  assertKnownOptions('formatReport', options, { files: true } satisfies OptionNames<typeof options>);
  const { files = 10 } = options;
  const { source, images, annotations, keptImages, keptAnnotations, problems } = report;
  const lines = [
    `${source}: ${keptImages} of ${count(images, 'image')}, ${keptAnnotations} of ${count(annotations, 'object')} kept`,
  ];
  const order = Object.keys(EFFECTS);
  const groups = [...groupBy(problems, ({ effect, kind }) => `${order.indexOf(effect)} ${kind}`)];
  for (const [, group] of groups.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first] = group;
    if (first === undefined) continue;
    lines.push(`  ${first.kind} (${EFFECTS[first.effect]}): ${group.length}`);
    lines.push(...group.slice(0, files).map(({ file, message }) => `    ${file}: ${message}`));
    if (group.length > files) lines.push(`    and ${group.length - files} more`);
  }
  if (problems.length === 0) lines.push('  nothing to report');
  return lines.join('\n');
}

const formatProblem = ({ effect, kind, file, message }: DatasetProblem): string =>
  `${file}: ${message} [${kind}, ${EFFECTS[effect]}]`;

/** `1 object`, `2 objects`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
