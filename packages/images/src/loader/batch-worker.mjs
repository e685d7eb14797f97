// A thread starts here, in plain JavaScript. What it does is TypeScript, which Node runs from the build as it is; from
// the sources, in tests, it is compiled on the fly.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

if (!existsSync(new URL('./serve-batches.js', import.meta.url))) {
  // Its cache lies where other users of the machine may write.
  process.env['TSX_DISABLE_CACHE'] = '1';
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: fileURLToPath(new URL('../../tsconfig.sources.json', import.meta.url)) });
}
// The build writes .js here.
await import('./serve-batches.ts');
