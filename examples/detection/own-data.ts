import { defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/** A folder of one's own, in any format that is known: `--set data.root=FOLDER`. `hookline data FOLDER` says what it is. */
const config = detectionConfig({ output: 'runs/own-data' });

export default defineTrainer({ config, trainer: DetectionTrainer });
