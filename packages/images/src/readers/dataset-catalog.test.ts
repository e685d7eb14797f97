import type { Dataset } from './dataset.ts';
import { DatasetCatalog } from './dataset-catalog.ts';

const dataset = (source: string): Dataset => ({
  records: [],
  metadata: { classes: ['cat'], categoryIds: [1], evaluator: 'coco', source },
  report: { source, images: 0, annotations: 0, keptImages: 0, keptAnnotations: 0, problems: [] },
});

describe('DatasetCatalog', () => {
  it('reads a data set on demand, and its metadata then has its facts', async () => {
    let reads = 0;
    const read = () => {
      reads++;
      return dataset('pets.json');
    };
    const catalog = new DatasetCatalog().register('pets', read, { license: 'MIT' });
    expect(reads).toBe(0);
    expect(catalog.metadata('pets').get('classes', 'unset')).toBe('unset');
    expect((await catalog.get('pets')).metadata.source).toBe('pets.json');
    await catalog.get('pets');
    expect(reads).toBe(2);
    expect(catalog.metadata('pets').toJSON()).toEqual({ license: 'MIT', ...dataset('pets.json').metadata });
  });

  it('refuses a duplicate name, and an unknown name with a suggestion', async () => {
    const catalog = new DatasetCatalog()
      .register('zebra', () => dataset('z'))
      .register('bccd_train', () => dataset('b'));
    expect(catalog.list()).toEqual(['bccd_train', 'zebra']);
    expect(() => catalog.register('zebra', () => dataset('z'))).toThrow(/HKL_DATASET_DUPLICATE/);
    expect(() => catalog.register('list', [] as never)).toThrow(/HKL_DATASET_FUNCTION/);
    await expect(catalog.get('bccd-train')).rejects.toThrow(/Did you mean "bccd_train"\? Known: bccd_train, zebra/);
    catalog.remove('zebra');
    expect(() => catalog.metadata('zebra')).toThrow(/HKL_DATASET_UNKNOWN/);
    expect(() => catalog.remove('zebra')).toThrow(/HKL_DATASET_UNKNOWN/);
  });

  it('refuses to change a fact', async () => {
    let source = 'a.json';
    const catalog = new DatasetCatalog().register('pets', () => dataset(source));
    const metadata = catalog.metadata('pets').set({ classes: ['cat'] });
    await catalog.get('pets');
    expect(() => metadata.set({ colour: 1, classes: ['dog'] })).toThrow(/"classes" is \["cat"\] and cannot become/);
    expect(metadata.has('colour')).toBe(false);
    expect(() => metadata.get('clases')).toThrow(/Did you mean "classes"/);
    source = 'b.json';
    await expect(catalog.get('pets')).rejects.toThrow(/HKL_METADATA_WRITTEN/);
  });
});
