import { setupRuntime } from './runtime/setup-runtime.ts';
import { formatSetup } from './runtime/setup-result.ts';
const from = process.argv.find((a) => a.startsWith('--from='))?.slice(7);
const project = process.argv.find((a) => a.startsWith('--project='))?.slice(10);
const r = await setupRuntime({ log: (l) => console.log('..', l), force: process.argv.includes('--force'), from, packagesFrom: project ? [project] : undefined });
console.log(formatSetup(r));
