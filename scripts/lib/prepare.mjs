import { join } from 'node:path';
import { whyInstall } from './installed.mjs';
import { ROOT, run, runNpm } from './processes.mjs';

/** The command line, as built. */
export const CLI = join(ROOT, 'packages', 'hookline', 'bin', 'hookline.js');

/** Devices that need no native code; asking for one makes the setup pointless. */
const WITHOUT_SETUP = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

/**
 * Brings a checkout, fresh or not, to where it can run: packages, build, runtime. Does only what is needed.
 *
 * @param {{ quiet?: boolean }} [options] quiet: print on standard error only
 */
export function prepare({ quiet = false } = {}) {
  install(quiet);
  build(quiet);
  setup(quiet);
}

/**
 * Installs what package-lock.json asks for, unless it is there.
 *
 * @param {boolean} [quiet] print on standard error only
 */
export function install(quiet = false) {
  const reason = whyInstall(ROOT);
  if (reason === undefined) return;
  console.error(`Installing packages (${reason}) ...`);
  const status = runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet });
  if (status !== 0) fail('npm ci failed; its message is above', status);
}

/**
 * Builds what the command line needs, and nothing else: a type error in a benchmark keeps nobody from training. The
 * types of everything are checked by `npm run build`.
 *
 * @param {boolean} quiet
 */
function build(quiet) {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const status = run(process.execPath, [tsc, '-b', 'packages/hookline'], { quiet });
  if (status !== 0) fail('the build failed; the errors are above', status);
}

/** Chooses the runtime. That native TensorFlow cannot be had is no failure: WebAssembly takes its place. @param {boolean} quiet */
function setup(quiet) {
  const device = process.env['HOOKLINE_DEVICE'];
  if (device !== undefined && Object.hasOwn(WITHOUT_SETUP, device)) {
    const name = WITHOUT_SETUP[/** @type {keyof typeof WITHOUT_SETUP} */ (device)];
    console.error(`Runtime: ${name}, because HOOKLINE_DEVICE=${device}; the native setup is skipped`);
    return;
  }
  const status = run(process.execPath, [CLI, 'setup', '--brief'], { quiet });
  if (status !== 0) console.error('The setup of the runtime failed; going on with what is there');
}

/**
 * @param {string} message
 * @param {number} status
 * @returns {never}
 */
function fail(message, status) {
  console.error(message);
  process.exit(status);
}
