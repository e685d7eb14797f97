// The trainer, and its config
export { DetectionTrainer } from './detection-trainer.ts';
export { detectionConfig, type DetectionConfig, type DetectionConfigInput } from './config/detection-config.ts';

// Parts of it, for your own trainer
export { imagesOf } from './images-of.ts';
export { readDatasets, type DetectionDatasets } from './datasets/read-datasets.ts';
