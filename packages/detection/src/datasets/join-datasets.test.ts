import type { Dataset } from '@hookline/images';
import { withClasses } from './join-datasets.ts';

it('withClasses refuses an object whose category is not the index of a class', () => {
  const annotation = { id: 1, box: [0, 0, 4, 4], category: 2, iscrowd: 0, area: 16 } as const;
  const set: Dataset = {
    records: [{ file: 'a.jpg', width: 8, height: 8, imageId: 1, annotations: [annotation] }],
    metadata: { classes: ['dark', 'light'], categoryIds: [1, 2], evaluator: 'coco', source: 'none' },
    report: { source: 'none', images: 1, annotations: 1, keptImages: 1, keptAnnotations: 1, problems: [] },
  };
  expect(() => withClasses(set, ['light'], 'drop')).toThrow(
    '[HKL_CATEGORY_RANGE] a.jpg: category 2 is outside of 0 to 1',
  );
});
