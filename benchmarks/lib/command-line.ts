import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of the repository's root folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Path of the script of the command `hookline`, to be run with Node. */
export const CLI = join(ROOT, 'packages', 'hookline', 'bin', 'hookline.js');
