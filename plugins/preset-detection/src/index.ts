export { presetDetection, type PresetDetectionOptions } from './preset.ts';
