import { execFileSync } from 'node:child_process';

/** Whether a Python interpreter can import a module. */
export function has(python: string, module: string): boolean {
  try {
    execFileSync(
      python,
      ['-c', `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`],
      { stdio: 'ignore' },
    );
    return true;
  } catch {
    return false;
  }
}

/** A note that rows are left out, with the commands that install the missing module. */
export const missing = (python: string, module: string): string =>
  `${python} has no ${module}: its rows are left out. To have them: python3 -m venv .venv-bench && .venv-bench/bin/pip install torch tensorflow pillow, then add --python .venv-bench/bin/python`;
