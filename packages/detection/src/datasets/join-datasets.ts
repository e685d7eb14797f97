import type { Dataset } from '@hookline/images';

/** Joins data sets with the same classes into one. */
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
