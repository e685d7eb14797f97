import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The command `hookline`, to be run by Node. */
export const CLI = join(ROOT, 'packages', 'hookline', 'bin', 'hookline.js');
