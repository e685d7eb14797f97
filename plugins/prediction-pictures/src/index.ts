export { predictionPictures } from './plugin.ts';
export type { PredictionPicturesOptions } from './options.ts';
