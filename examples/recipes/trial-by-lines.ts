import { createInterface } from 'node:readline';
import { ConsoleLogger } from 'hookline';
import { runTrial, type Trial } from './sweep.ts';

/** Reads trials from standard input, one JSON object per line. Answers each with a line: `{"loss":0.21}` or `{"error":"..."}`. */
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await runTrial(
    JSON.parse(line) as Trial,
    process.argv[2] ?? 'runs',
    new ConsoleLogger({ level: 'silent' }),
  ).then(
    (loss) => ({ loss }),
    (error: unknown) => ({ error: String(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
