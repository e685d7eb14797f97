import { defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/** Blood cells (BCCD): 292 images to learn from, 72 to test on, three classes; in VOC's format. */
const config = detectionConfig({
  output: 'runs/bccd',
  datasets: { train: ['trainval'], test: ['test'] },
  input: { fit: 'stretch', randomFlip: 'both' },
  // The data are in VOC's format; COCO's metrics can be compared with what others publish.
  test: { evaluator: 'coco' },
});

export default defineTrainer({ config, trainer: DetectionTrainer });
