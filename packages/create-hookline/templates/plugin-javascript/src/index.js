export { {{export}} } from './plugin.js';
