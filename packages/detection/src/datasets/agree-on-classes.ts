import { didYouMean, HooklineError } from '@hookline/core';
import type { Dataset } from '@hookline/images';

/** No file of Pascal VOC, LabelMe and others lists the classes: what a reader found is what there happens to be. */
const isOpen = ({ metadata }: Dataset): boolean => metadata.openClasses === true || metadata.evaluator === 'voc';

/**
 * The classes to detect: those of `data.classes`; else those that the training data state; else, in formats that
 * list none, such as Pascal VOC's, all names that they have, sorted.
 *
 * @throws HooklineError `HKL_DATA_CLASSES` when training data state different ones, or a wanted one is not there
 */
export function classesOf(sets: readonly Dataset[], wanted: readonly string[]): readonly string[] {
  const found = [...new Set(sets.flatMap(({ metadata }) => metadata.classes))];
  const missing = wanted.find((name) => !found.includes(name));
  if (missing !== undefined) {
    throw new HooklineError('HKL_DATA_CLASSES', `the training data have no class "${missing}"`, {
      who: 'data.classes',
      fix: didYouMean(missing, found),
    });
  }
  if (wanted.length > 0) return wanted;
  const stated = sets.find((set) => !isOpen(set));
  const classes = stated?.metadata.classes ?? found.sort();
  if (classes.length > 0) return classes;
  throw new HooklineError('HKL_DATA_CLASSES', 'it has no object of any class', {
    who: sets.map(({ metadata }) => metadata.source).join(', '),
    fix: 'Look at the annotations: the lines above say what was dropped',
  });
}

/** What objects of other classes do: refuse the data set, or they are left out. */
export type OtherClasses = 'refuse' | 'drop';

/**
 * A data set with its categories numbered by `classes`.
 *
 * @param others about classes that are not among them
 * @throws HooklineError `HKL_DATA_CLASSES` where `others` is `refuse` and the classes are not the same
 */
export function withClasses(set: Dataset, classes: readonly string[], others: OtherClasses): Dataset {
  const { records, metadata } = set;
  const own = metadata.classes;
  if (own.join('\n') === classes.join('\n')) return set;
  const isStrange = (name: string): boolean => !classes.includes(name);
  if (others === 'refuse' && (own.some(isStrange) || (!isOpen(set) && own.length < classes.length)))
    throw different(set, classes);
  const places = own.map((name) => classes.indexOf(name));
  return {
    ...set,
    metadata: { ...metadata, classes, categoryIds: categoryIds(set, classes) },
    records: records.map((record) => ({
      ...record,
      annotations: record.annotations.flatMap((object) => {
        const category = places[object.category] ?? -1;
        return category < 0 ? [] : [{ ...object, category }];
      }),
    })),
  };
}

function different({ metadata, records }: Dataset, classes: readonly string[]): HooklineError {
  const strange = metadata.classes.flatMap((name, place) => (classes.includes(name) ? [] : [{ name, place }]));
  const example = records.find(({ annotations }) => annotations.some(({ category }) => category === strange[0]?.place));
  const where = example === undefined ? '' : `; "${strange[0]?.name ?? ''}" is in ${example.file}`;
  const what = `its classes are ${metadata.classes.join(', ')}, and those to detect ${classes.join(', ')}${where}`;
  return new HooklineError('HKL_DATA_CLASSES', what, {
    who: metadata.source,
    fix: 'Give all data sets the same classes, or say which ones count: --set data.classes=NAME,NAME',
  });
}

/** The ids that the data set's own file has, for results in its terms; classes that it lacks get ids that are free. */
function categoryIds({ metadata }: Dataset, classes: readonly string[]): number[] {
  if (metadata.evaluator === 'voc') return classes.map((_, place) => place + 1);
  let free = Math.max(0, ...metadata.categoryIds);
  return classes.map((name) => metadata.categoryIds[metadata.classes.indexOf(name)] ?? ++free);
}
