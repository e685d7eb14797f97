import { runCli } from './run-cli.ts';

const status = await runCli(process.argv.slice(2));
// What a runtime leaves open, threads of its own for one, must not keep a finished command alive.
process.stdout.write('', () => process.exit(status));
