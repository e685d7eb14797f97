import { failed, skipped, type Attempt } from '../machine/attempt.ts';
import { downloadPinnedWheel, type PipOptions } from './pip-download.ts';
import { findTensorFlowWheel, TENSORFLOW_VERSION } from './tensorflow-wheels.ts';

/** Set to take the newest release where the index does not keep the pinned one; nobody has checked such a wheel. */
const ANY_RELEASE = 'HOOKLINE_TENSORFLOW_ANY_RELEASE';

export interface DownloadOptions extends PipOptions {
  readonly cuda: boolean;
}

/**
 * Downloads a TensorFlow wheel with pip. It must have the hash of the table; another release is taken only where
 * `HOOKLINE_TENSORFLOW_ANY_RELEASE` is set.
 */
export async function downloadWheel(options: DownloadOptions): Promise<Attempt<string>> {
  const { machine, cuda, log, env } = options;
  const pinned = findTensorFlowWheel(machine.platform, cuda);
  if (pinned === undefined) return skipped(`there is no TensorFlow wheel with C libraries for ${machine.platform}`);
  const { name, bytes } = pinned;
  const wanted = { ...pinned, version: TENSORFLOW_VERSION };
  if (machine.pip) log(`downloading ${name} ${TENSORFLOW_VERSION} with pip (${String(Math.round(bytes / 1e6))} MB)`);
  const attempt = await downloadPinnedWheel(wanted, options);
  if (attempt.isMissing !== true) return attempt;
  if (env[ANY_RELEASE]) {
    log(`this index has no ${name} ${TENSORFLOW_VERSION}; taking its newest, unchecked, as ${ANY_RELEASE} asks for`);
    return downloadPinnedWheel(wanted, { ...options, anyRelease: true });
  }
  return failed(
    `the package index has no ${name} ${TENSORFLOW_VERSION}; give its wheel (\`npx hookline setup --from FILE\`), ` +
      `or set ${ANY_RELEASE}=1 to take another release`,
  );
}
