import { classHistogram } from '../records/annotation-table.ts';
import type { Dataset } from './dataset.ts';
import { count } from './dataset-report.ts';

/** A class with fewer training objects than this can hardly be learned. */
const FEW_OBJECTS = 10;
/** A metric over fewer test objects than this says little. */
const FEW_TESTED = 50;
/** The maximum number of names in one line. */
const NAMED = 8;

/** Warnings about training data: classes without objects, and classes with too few of them. One line each. */
export function remarksOnTraining({ records, metadata: { classes } }: Dataset): string[] {
  const counts = classHistogram(records, classes.length);
  const unseen = classes.filter((_, category) => counts[category] === 0);
  const few = classes.flatMap((name, category) => {
    const objects = counts[category] ?? 0;
    return objects > 0 && objects < FEW_OBJECTS ? [`${objects} ${name}`] : [];
  });
  const isMuch = classes.length > 2 && few.length + unseen.length > classes.length / 2;
  const advice = isMuch
    ? `: ${classes.length} classes are many for these data; --set data.classes=NAME,NAME selects the ones to detect`
    : ', which is hardly enough to learn from';
  return [
    ...(unseen.length === 0
      ? []
      : [`the training data have no ${listed(unseen, ', no ')}: a class without objects cannot be learned`]),
    ...(few.length === 0 ? [] : [`the training data have only ${listed(few)}${advice}`]),
  ];
}

/** Warnings about test data: too few objects for reliable metrics, and classes without objects. One line each. */
export function remarksOnTest(name: string, { records, metadata: { classes } }: Dataset): string[] {
  const counts = classHistogram(records, classes.length);
  const objects = counts.reduce((sum, each) => sum + each, 0);
  if (objects === 0) return [`the test data "${name}" have no object: there is nothing to measure`];
  const absent = classes.filter((_, category) => counts[category] === 0);
  return [
    ...(objects >= FEW_TESTED
      ? []
      : [
          `the test data "${name}" have ${count(objects, 'object')} in ${count(records.length, 'image')}: with so few, metrics may be off by ten points or more`,
        ]),
    ...(absent.length === 0
      ? []
      : [`the test data "${name}" have no ${listed(absent, ', no ')}: a class without objects has no AP`]),
  ];
}

/** The first eight names as text, followed by the number of the others. */
export const listed = (names: readonly string[], between = ', '): string =>
  names.length <= NAMED
    ? names.join(between)
    : `${names.slice(0, NAMED).join(between)} and ${names.length - NAMED} more`;
