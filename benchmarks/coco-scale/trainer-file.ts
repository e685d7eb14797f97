import { callback, defineTrainer, detectionConfig, DetectionTrainer } from 'hookline';

/** Starts the training of `examples/detection/own-data.ts`, prints the processor time until the first step, and exits. */
const config = detectionConfig({ budget: { minutes: 8 }, dataloader: { cache: false } });

const untilFirstStep = callback({
  beforeStep: () => {
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ seconds: (user + system) / 1e6, peak: process.resourceUsage().maxRSS / 1e3 }));
    throw new Error('that was the first step, which this process was started for');
  },
});

export default defineTrainer({ config, trainer: DetectionTrainer, plugins: [untilFirstStep] });
