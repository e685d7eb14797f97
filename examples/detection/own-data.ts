import { defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/**
 * A folder of one's own, in any format that is known: `--set data.root=FOLDER`. `hookline data FOLDER` says what it is.
 *
 * Sizes and schedule are chosen for the data and the time, `--set budget.minutes=8`; what somebody has written holds. 0
 * chooses nothing.
 */
const config = detectionConfig({ output: 'runs/own-data', budget: { minutes: 8 } });

export default defineTrainer({ config, trainer: DetectionTrainer });
