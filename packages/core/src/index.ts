export { HooklineError, PluginError, describeCause, isHooklineError, type ErrorDetails } from './errors.ts';
export { didYouMean, suggestName } from './suggest-name.ts';
