import { runCli } from './run-cli.ts';

// A reader that has gone, such as `head`, is no reason to end without a save: a training stops by itself then.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

let isDone = false;
process.on('exit', (code) => {
  if (isDone || code !== 13) return;
  console.error('error: the command ended before it was done: something that it awaits can never come');
  process.exitCode = 1;
});

const status = await runCli(process.argv.slice(2));
isDone = true;
// What a runtime leaves open, threads of its own for one, must not keep a finished command alive.
process.stdout.write('', () => process.exit(status));
