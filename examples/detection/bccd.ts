import { defineTrainer } from 'hookline';
import { detectionConfig } from './detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

/** Blood cells (BCCD): 292 images to learn from, 72 to test on, three classes; in VOC's format. */
const config = detectionConfig({
  output: 'runs/bccd',
  data: { root: '', train: 'trainval', test: 'test', fit: 'stretch', flips: 'both' },
});

export default defineTrainer({ config, trainer: DetectionTrainer });
