import util from 'node:util';

/** Functions of `node:util` that the native backend calls and that newer Node releases warn about or have removed. */
const REMOVED: Readonly<Record<string, (value: unknown) => boolean>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: (value) => Array.isArray(value),
};

/**
 * Puts back what @tensorflow/tfjs-node needs of `node:util`. Node 22 warns about these functions at each first use,
 * Node 23 has removed them; older releases keep their own.
 *
 * @param major major version of Node
 * @param target the module to complete
 */
export function shimNodeUtil(
  major = Number(process.versions.node.split('.')[0]),
  target: Record<string, unknown> = util,
): void {
  for (const [name, implementation] of Object.entries(REMOVED)) {
    if (major >= 22 || typeof target[name] !== 'function') target[name] = implementation;
  }
}
