export {
  ArrayLoader,
  type ArrayBatch,
  type ArrayLoaderOptions,
  type ArrayLoaderState,
  type Field,
  type FieldArray,
  type Fields,
} from './array-loader.ts';
