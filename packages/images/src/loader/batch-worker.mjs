// Entry point of a worker thread, in plain JavaScript. The rest is TypeScript: Node runs its build directly, and in tests the
// sources are compiled on the fly.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

if (!existsSync(new URL('./serve-batches.js', import.meta.url))) {
  // tsx keeps its cache where other users of the machine may write.
  process.env['TSX_DISABLE_CACHE'] = '1';
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: fileURLToPath(new URL('../../tsconfig.sources.json', import.meta.url)) });
}
// The build writes .js here.
await import('./serve-batches.ts');
