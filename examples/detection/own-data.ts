import { defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/**
 * Trains on your own folder of data, in any supported format: `--set data.root=FOLDER`. `hookline data FOLDER` shows the format.
 *
 * Sizes and schedule are chosen for the data and the time, `--set budget.minutes=8`; keys that you set are kept. 0
 * chooses nothing.
 */
const config = detectionConfig({ output: 'runs/own-data', budget: { minutes: 8 } });

export default defineTrainer({ config, trainer: DetectionTrainer });
