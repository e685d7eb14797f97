export { {{export}} } from './plugin.ts';
