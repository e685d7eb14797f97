import { TestEnvironment } from 'jest-environment-node';

/** The native binding checks typed arrays by identity, so tests must share the host's constructors. */
const SHARED = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'ArrayBuffer', 'SharedArrayBuffer'],
];

export default class HooklineEnvironment extends TestEnvironment {
  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    super(...args);
    for (const name of SHARED) Reflect.set(this.global, name, Reflect.get(globalThis, name));
  }
}
