export { presetDefault, type PresetDefaultOptions } from './preset.ts';
