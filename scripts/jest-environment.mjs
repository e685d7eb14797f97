import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { TestEnvironment } from 'jest-environment-node';

/** The native binding compares constructors of typed arrays by identity, so tests must share the host's. */
const SHARED = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'ArrayBuffer', 'SharedArrayBuffer'],
];

/** The error that `skipTest` throws. Jest has no way to skip a test once it runs. */
class SkippedTest extends Error {}

/**
 * Makes a replacement for `Math.random` in a test file, so that initial weights and other random numbers without a seed are
 * the same in every run.
 *
 * @param {string} name path of the file, which seeds the generator
 * @returns {() => number}
 */
function randomNumbers(name) {
  let state = createHash('sha256').update(name).digest().readUInt32LE();
  // Mulberry32.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Number of TensorFlow sessions that test files have left open. The native library counts them per process. */
let leftOpen = 0;

export default class HooklineEnvironment extends TestEnvironment {
  #file;
  /** @type {string[]} */
  #folders = [];

  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    super(...args);
    this.#file = args[1].testPath;
    for (const name of SHARED) Reflect.set(this.global, name, Reflect.get(globalThis, name));
    this.global.Math.random = randomNumbers(relative(args[0].globalConfig.rootDir, this.#file));
    this.global['skipTest'] = (/** @type {string} */ reason) => {
      throw new SkippedTest(reason);
    };
    this.global['temporaryFolder'] = () => {
      const folder = mkdtempSync(join(tmpdir(), `hookline-${basename(this.#file, '.test.ts')}-`));
      this.#folders.push(folder);
      return folder;
    };
  }

  /** @param {{ name: string, test?: { name: string, status?: unknown, errors: unknown[] } }} event of jest-circus */
  handleTestEvent({ name, test }) {
    if (name !== 'test_done' || test === undefined) return;
    const errors = test.errors.map((each) => (Array.isArray(each) ? each[0] : each));
    // A test that also fails in another way, for example in `afterEach`, has failed.
    const [first] = errors;
    if (!(first instanceof SkippedTest) || !errors.every((error) => error instanceof SkippedTest)) return;
    test.errors = [];
    test.status = 'skip';
    test.name += ` (${first.message})`;
  }

  /** @override */
  async teardown() {
    /** @type {any} */
    const engine = Reflect.get(this.global, '_tfengine');
    /** @type {number} */
    const open = engine?.registry?.tensorflow?.binding?.getNumOfSavedModels?.() ?? leftOpen;
    // Name the file here, because otherwise only later tests that count sessions would fail.
    if (open > leftOpen) console.error(`${this.#file} has left ${open - leftOpen} sessions of TensorFlow open.`);
    leftOpen = open;
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    await super.teardown();
  }
}
