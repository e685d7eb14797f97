import { execFile } from 'node:child_process';

/** The exit status of a program, and its output. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program asynchronously until it ends, because it may need the registry that this process serves. */
export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  // Remove the variables that npm has set for this repository.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$/i.test(name));
  return new Promise((resolve) => {
    const options = { cwd, env: { ...Object.fromEntries(own), ...env }, maxBuffer: 1e8 };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });
}
