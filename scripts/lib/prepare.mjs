import { join } from 'node:path';
import { whyInstall } from './installed.mjs';
import { ROOT, run, runNpm } from './processes.mjs';

/** Path of the built command line. */
export const CLI = join(ROOT, 'packages', 'hookline', 'bin', 'hookline.js');

/** Devices that need no native code. If the user asks for one, the setup is skipped. */
const WITHOUT_SETUP = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

/**
 * Makes a checkout ready to run: installs packages, builds, and sets up the runtime. Skips what is already done.
 *
 * @param {{ quiet?: boolean }} [options] quiet: print on standard error only
 */
export function prepare({ quiet = false } = {}) {
  install(quiet);
  build(quiet);
  setup(quiet);
}

/**
 * Installs the packages of package-lock.json, unless they are already installed.
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

/** What a user of a clone runs: the command line, and new projects with their tests. */
const BUILT = ['packages/hookline', 'packages/create-hookline', 'packages/testing'];

/**
 * Builds only what a user runs, so that a type error in a benchmark does not prevent a training. `npm run build` checks the
 * types of everything.
 *
 * @param {boolean} quiet
 */
function build(quiet) {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const status = run(process.execPath, [tsc, '-b', ...BUILT], { quiet });
  if (status !== 0) fail('the build failed; the errors are above', status);
}

/** Sets up native TensorFlow. If that fails, goes on with the runtime that is available. @param {boolean} quiet */
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
