// Data sets by name
export { DatasetCatalog, type DatasetFunction } from './readers/dataset-catalog.ts';
export { Metadata } from './readers/metadata.ts';
export type { Box, DatasetAnnotation, DatasetMetadata, DatasetRecord } from './records/dataset-record.ts';
export { categoryRangeError, classHistogram, hasTargets } from './records/annotation-table.ts';

// Readers and writers
export { readCoco, type ReadCocoOptions } from './readers/read-coco.ts';
export { classFolders, readImageFolder, type ReadImageFolderOptions } from './readers/read-image-folder.ts';
export { readVoc, type ReadVocOptions } from './readers/read-voc.ts';
export {
  describeFormat,
  findFormats,
  type FindFormatsOptions,
  type FoundFormats,
} from './readers/formats/find-formats.ts';
export { FORMAT_NAMES, type FormatName, type FoundFormat } from './readers/formats/data-format.ts';
export { divideSplits, type FoundSplit, mainSplits, roleOf, type SplitRole } from './readers/splits.ts';
export { writeCocoFolder } from './readers/write-coco-folder.ts';
export { writeCoco } from './readers/write-coco.ts';
export type { Dataset, ReaderOptions } from './readers/dataset.ts';
export { formatReport, type DatasetProblem, type DatasetReport, type ProblemKind } from './readers/dataset-report.ts';

// Augmentations: random changes
export { augment, type Augmentation, type AugmentationInput, type Augmented } from './transforms/augmentation.ts';
export { moduleAugmentation } from './transforms/module-augmentation.ts';
export { resize, resizeScale, resizeShortestEdge } from './transforms/resize-augmentations.ts';
export { fixedSizeCrop, minIoURandomCrop, randomCrop, type CropType } from './transforms/crop-augmentations.ts';
export { randomWindow, type RandomWindowOptions } from './transforms/window-augmentation.ts';
export {
  randomAffine,
  randomApply,
  randomExtent,
  randomFlip,
  randomRotation,
} from './transforms/random-augmentations.ts';
export {
  randomBrightness,
  randomContrast,
  randomLighting,
  randomSaturation,
} from './transforms/color-augmentations.ts';

// Transforms: decided changes, with inverses
export type { Boxes, Image, Picture, Pixels } from './transforms/image.ts';
export { type AffineMatrix, NO_TRANSFORM, TransformList, type Transform } from './transforms/transform.ts';
export {
  AffineTransform,
  extentTransform,
  rotationTransform,
  type AffineOptions,
} from './transforms/affine-transform.ts';
export { FlipTransform } from './transforms/flip-transform.ts';
export { ResizeTransform } from './transforms/resize-transform.ts';
export { cropTransform, padTransform, WindowTransform, type Window } from './transforms/window-transform.ts';
export { BlendTransform, ShiftColorTransform, type BlendSource } from './transforms/color-transform.ts';

// Batches for detection
export {
  aspectRatioGroups,
  DetectionLoader,
  type DetectionLoaderState,
  type DetectionLoaderStats,
} from './loader/detection-loader.ts';
export type { DetectionLoaderOptions } from './loader/loader-options.ts';
export { BatchSamples, type DetectionBatch, type HostField } from './loader/detection-batch.ts';
export { fitSize, type Fit, PADDING, type Size } from '@hookline/inference/detections';
export { clipBoxes } from './loader/map-sample.ts';
export { inputSides, type SmallObjects } from './loader/small-objects.ts';
export { listed, remarksOnTest, remarksOnTraining } from './readers/dataset-remarks.ts';
export { type SameImage, sameImages } from './readers/same-images.ts';
export { isPicture } from './readers/folder-index.ts';
export { decodeFile, type DecodedFile, type DecodeFileOptions } from './loader/decode-file.ts';
export { resizePicture } from './loader/decode-image.ts';
export {
  type ImageSource,
  PREPARE_OPTIONS,
  type PreparedImage,
  prepareImage,
  type PrepareImageOptions,
  readPicture,
} from './loader/prepare-image.ts';

// Pictures
export { drawDetections, type DrawOptions } from './drawing/draw-detections.ts';
export { writePicture } from './drawing/write-picture.ts';
export { blankPicture, paste, pictureGrid, type Color } from './drawing/canvas.ts';
export { type Detections, pickDetections, toImagePixels } from '@hookline/inference/detections';
