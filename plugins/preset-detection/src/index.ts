export { presetDetection, type PresetDetectionOptions, type PresetDetectionDataset } from './preset.ts';
