import { defineTrainer } from 'hookline';
import { detectionConfig } from './detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

/** A folder of one's own: `--set data.root=FOLDER`, and `data.train`, `data.test` where it has lists or JSON files. */
const config = detectionConfig({ output: 'runs/own-data', data: { root: '' } });

export default defineTrainer({ config, trainer: DetectionTrainer });
