import type { Box } from '../../records/dataset-record.ts';
import type { Dataset, ReaderOptions } from '../dataset.ts';
import { ProblemList } from '../dataset-report.ts';
import type { ImageFinder } from '../find-image.ts';
import { type AnnotatedImage, type AnnotatedObject, makeDataset } from '../make-dataset.ts';

/** An image of a format without a list of classes: each object carries the name of its class. */
export interface LabelledImage extends Omit<AnnotatedImage, 'objects'> {
  readonly objects: readonly {
    /** Name of its class; an object without one is dropped. */
    readonly label: string | undefined;
    readonly box: Box;
    /** Names the object in messages. */
    readonly what: string;
    readonly iscrowd?: 0 | 1;
  }[];
}

/** Makes a data set of labelled objects. Its classes are the distinct labels, sorted. */
export async function makeLabelled(
  {
    source,
    images,
    finder,
    problems = new ProblemList(),
  }: {
    readonly source: string;
    readonly images: readonly (LabelledImage | ProblemList)[];
    readonly finder: ImageFinder;
    readonly problems?: ProblemList;
  },
  options: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  const labelled = images.flatMap((image) => (image instanceof ProblemList ? [] : [image]));
  const found = new Set(labelled.flatMap(({ objects }) => objects.flatMap(({ label }) => label ?? [])));
  const classes = [...found].sort();
  const index = new Map(classes.map((name, category) => [name, category]));
  const seen = new Set<number | string>();
  const annotated = images.map((image): AnnotatedImage | ProblemList => {
    if (image instanceof ProblemList) return image;
    if (seen.has(image.imageId)) {
      image.problems.add(
        'image',
        'duplicate-image-id',
        source,
        `it lists "${image.imageId}" again; the first one is kept`,
      );
      return image.problems;
    }
    seen.add(image.imageId);
    const objects = image.objects.map(({ label, box, what, iscrowd }): AnnotatedObject => {
      const category = label === undefined ? undefined : index.get(label);
      const nameless = { effect: 'annotation', kind: 'category-unknown', message: `${what} has no class` } as const;
      return {
        id: 0,
        box,
        category,
        describe: () => `${what}: box [${box.map((edge) => Number(edge.toFixed(4))).join(', ')}]`,
        finding: category === undefined ? nameless : undefined,
        ...(iscrowd !== undefined && { iscrowd }),
      };
    });
    return { ...image, objects };
  });
  return makeDataset(
    {
      source,
      images: annotated,
      listed: {
        images: images.length,
        annotations: labelled.reduce((sum, { objects }) => sum + objects.length, 0),
      },
      classes,
      categoryIds: classes.map((_, category) => category + 1),
      evaluator: 'coco',
      openClasses: true,
      problems,
      finder,
    },
    options,
  );
}
