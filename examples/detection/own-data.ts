import { defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/**
 * Trains on your own folder of data, in any supported format: `--set data.root=FOLDER`. `hookline data FOLDER` shows the format.
 *
 * Hookline chooses image sizes and schedule for the data and for the training time, `budget.minutes` (8 here). Keys that
 * you set keep their values. With `--set budget.minutes=0`, nothing is chosen.
 */
const config = detectionConfig({ output: 'runs/own-data', budget: { minutes: 8 } });

export default defineTrainer({ config, trainer: DetectionTrainer });
