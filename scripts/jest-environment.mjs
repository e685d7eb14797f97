import { TestEnvironment } from 'jest-environment-node';

/** The native binding checks typed arrays by identity, so tests must share the host's constructors. */
const SHARED = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'ArrayBuffer', 'SharedArrayBuffer'],
];

/** Sessions that test files have left open in this process, for which the native library counts them. */
let leftOpen = 0;

export default class HooklineEnvironment extends TestEnvironment {
  #file;

  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    super(...args);
    this.#file = args[1].testPath;
    for (const name of SHARED) Reflect.set(this.global, name, Reflect.get(globalThis, name));
  }

  /** @override */
  async teardown() {
    /** @type {any} */
    const engine = Reflect.get(this.global, '_tfengine');
    /** @type {number} */
    const open = engine?.registry?.tensorflow?.binding?.getNumOfSavedModels?.() ?? leftOpen;
    // Nothing else would tell which file it was: only tests that count sessions notice, whichever run after it.
    if (open > leftOpen) console.error(`${this.#file} has left ${open - leftOpen} sessions of TensorFlow open.`);
    leftOpen = open;
    await super.teardown();
  }
}
