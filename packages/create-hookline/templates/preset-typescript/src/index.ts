export { {{export}} } from './preset.ts';
