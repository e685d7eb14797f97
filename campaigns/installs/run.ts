import { execFile } from 'node:child_process';

/** How a program ended, and what it printed. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, beside what this process does, for it may ask this process's registry. */
export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  // What npm has set for this process is about this repository.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$/i.test(name));
  return new Promise((resolve) => {
    const options = { cwd, env: { ...Object.fromEntries(own), ...env }, maxBuffer: 1e8 };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });
}
