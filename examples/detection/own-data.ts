import { defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/** A folder of one's own: `--set data.root=FOLDER`, and `datasets.train`, `datasets.test` where it has lists or JSON files. */
const config = detectionConfig({ output: 'runs/own-data' });

export default defineTrainer({ config, trainer: DetectionTrainer });
