import { classHistogram } from '../records/targets.ts';
import type { Dataset } from './dataset.ts';
import { count } from './dataset-report.ts';

/** Fewer objects of a class are hardly enough to know it by. */
const FEW_OBJECTS = 10;
/** With fewer objects a metric says little. */
const FEW_TESTED = 50;
/** Names that a line has at most. */
const NAMED = 8;

/** What a trainer should know of the classes of its training data: those that cannot be learned from them. */
export function remarksOnTraining({ records, metadata: { classes } }: Dataset): string[] {
  const counts = classHistogram(records, classes.length);
  const unseen = classes.filter((_, category) => counts[category] === 0);
  const few = classes.flatMap((name, category) => {
    const objects = counts[category] ?? 0;
    return objects > 0 && objects < FEW_OBJECTS ? [`${objects} ${name}`] : [];
  });
  const isMuch = classes.length > 2 && few.length + unseen.length > classes.length / 2;
  const advice = isMuch
    ? `: ${classes.length} classes are many for these data; --set data.classes=NAME,NAME says which ones count`
    : ', which is hardly enough to learn from';
  return [
    ...(unseen.length === 0
      ? []
      : [`the training data show no ${listed(unseen, ', no ')}: what is not shown cannot be learned`]),
    ...(few.length === 0 ? [] : [`the training data have only ${listed(few)}${advice}`]),
  ];
}

/** What whoever reads the metrics of test data should know of them: too few objects, and classes that they do not show. */
export function remarksOnTest(name: string, { records, metadata: { classes } }: Dataset): string[] {
  const counts = classHistogram(records, classes.length);
  const objects = counts.reduce((sum, each) => sum + each, 0);
  if (objects === 0) return [`the test data "${name}" show no object: there is nothing to measure`];
  const absent = classes.filter((_, category) => counts[category] === 0);
  return [
    ...(objects >= FEW_TESTED
      ? []
      : [
          `the test data "${name}" have ${count(objects, 'object')} in ${count(records.length, 'image')}: metrics of so few may be off by ten points and more`,
        ]),
    ...(absent.length === 0
      ? []
      : [`the test data "${name}" show no ${listed(absent, ', no ')}: there is no AP of that`]),
  ];
}

/** The first ones of a list as text, and how many more there are. */
export const listed = (names: readonly string[], between = ', '): string =>
  names.length <= NAMED
    ? names.join(between)
    : `${names.slice(0, NAMED).join(between)} and ${names.length - NAMED} more`;
