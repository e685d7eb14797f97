import { runCli } from './run-cli.ts';

// If the reader of the output, such as `head`, has exited, do not crash: the training stops by itself and saves.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

let isDone = false;
process.on('exit', (code) => {
  if (isDone || code !== 13) return;
  console.error('error: the command ended before it was done: something that it awaits can never come');
  process.exitCode = 1;
});

const status = await runCli(process.argv.slice(2));
isDone = true;
// Exit explicitly, because threads of the runtime would keep a finished command alive.
process.stdout.write('', () => process.exit(status));
