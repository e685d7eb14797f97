export { {{export}} } from './preset.js';
