import util from 'node:util';

/** Functions of `node:util` that the native backend calls and that newer Node releases deprecate or have removed. */
const REMOVED: Readonly<Record<string, (value: unknown) => boolean>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: (value) => Array.isArray(value),
};

/**
 * Restores the functions of `node:util` that @tensorflow/tfjs-node needs. Node 22 warns about each of them at first
 * use, and Node 23 has removed them. Older releases keep their own.
 *
 * @param major major version of Node; default: that of this process
 * @param target the module to patch; default: `node:util`
 */
export function shimNodeUtil(
  major = Number(process.versions.node.split('.')[0]),
  target: Record<string, unknown> = util,
): void {
  for (const [name, implementation] of Object.entries(REMOVED)) {
    if (major >= 22 || typeof target[name] !== 'function') target[name] = implementation;
  }
}
