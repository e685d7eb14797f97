// Loaders
export {
  ArrayLoader,
  type ArrayBatch,
  type ArrayLoaderOptions,
  type ArrayLoaderState,
  type Field,
  type FieldArray,
  type Fields,
} from './array-loader.ts';

// Data sets by name
export { DatasetCatalog, type DatasetFunction } from './catalog/dataset-catalog.ts';
export { Metadata } from './catalog/metadata.ts';
export {
  classHistogram,
  hasTargets,
  type Box,
  type DatasetAnnotation,
  type DatasetMetadata,
  type DatasetRecord,
} from './catalog/dataset-record.ts';

// Readers and writers
export { readCoco, type ReadCocoOptions } from './readers/read-coco.ts';
export { readVoc, type ReadVocOptions } from './readers/read-voc.ts';
export { writeCoco, writeCocoResults, type DetectionResult } from './readers/write-coco.ts';
export type { Dataset, ReaderOptions } from './readers/dataset.ts';
export { formatReport, type DatasetProblem, type DatasetReport, type ProblemKind } from './readers/dataset-report.ts';
