import { didYouMean, HooklineError } from '@hookline/core';
import { categoryRangeError, type Dataset } from '@hookline/images';

/** Whether the format, such as Pascal VOC or LabelMe, has no list of classes, so that the classes are those that occur in the data. */
const isOpen = ({ metadata }: Dataset): boolean => metadata.openClasses === true || metadata.evaluator === 'voc';

/**
 * Finds the classes to detect: those of `data.classes`; else the list in the training data; else, for formats without such a list,
 * all names that occur in the training data, sorted.
 *
 * @param sets the training data
 * @param wanted the names in `data.classes`
 * @throws HooklineError `HKL_DATA_CLASSES` when there is no class, or when the training data lack a wanted one
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
  throw new HooklineError('HKL_DATA_CLASSES', 'it names no class and has no object', {
    who: sets.map(({ metadata }) => metadata.source).join(', '),
    fix: 'Look at the annotations: the lines above say what was dropped',
  });
}

/** What to do about objects of other classes: refuse the data set, or drop these objects. */
export type OtherClasses = 'refuse' | 'drop';

/**
 * Renumbers the categories of a data set by `classes`.
 *
 * @param others what to do about classes that are not in `classes`
 * @throws HooklineError `HKL_DATA_CLASSES` when `others` is `refuse` and the classes differ, `HKL_CATEGORY_RANGE` for an object whose
 * category is not the index of a class
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
        const category = places[object.category];
        if (category === undefined) throw categoryRangeError(record.file, object.category, own.length);
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

/** The category ids of the data set's own file, which results use; classes that the file lacks get unused ids. */
function categoryIds({ metadata }: Dataset, classes: readonly string[]): number[] {
  if (metadata.evaluator === 'voc') return classes.map((_, place) => place + 1);
  let free = Math.max(0, ...metadata.categoryIds);
  return classes.map((name) => metadata.categoryIds[metadata.classes.indexOf(name)] ?? ++free);
}

/** Joins data sets into one. They must have the same classes, see {@link withClasses}. */
export function joinDatasets(sets: readonly Dataset[]): Dataset {
  const [first, ...others] = sets as readonly [Dataset, ...Dataset[]];
  if (others.length === 0) return first;
  const source = sets.map(({ metadata }) => metadata.source).join(', ');
  const sum = (of: 'images' | 'annotations' | 'keptImages' | 'keptAnnotations'): number =>
    sets.reduce((total, { report }) => total + report[of], 0);
  return {
    records: sets.flatMap(({ records }) => records),
    metadata: { ...first.metadata, source },
    report: {
      source,
      images: sum('images'),
      annotations: sum('annotations'),
      keptImages: sum('keptImages'),
      keptAnnotations: sum('keptAnnotations'),
      problems: sets.flatMap(({ report }) => report.problems),
    },
  };
}
