export { predictionPictures, VERSION } from './plugin.ts';
export type { PredictionPicturesOptions } from './options.ts';
