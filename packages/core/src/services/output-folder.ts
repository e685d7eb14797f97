import { rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCode } from '../checkpoint/file-error.ts';
import { defineService } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';

/** The folder that a run writes into. */
export interface OutputFolder {
  /** Absolute. */
  readonly dir: string;
  /** The absolute path of a file in it, with the folders above it made. */
  file(...segments: string[]): Promise<string>;
}

export const outputRef = defineService<OutputFolder>('output', { description: "the run's folder" });

/** An output folder on disk, made when the trainer is prepared and somebody needs it. */
export class DiskOutputFolder implements OutputFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = resolve(dir);
  }

  async file(...segments: string[]): Promise<string> {
    const path = join(this.dir, ...segments);
    await makeFolder(dirname(path));
    return path;
  }

  /**
   * Makes the folder and writes into it, so that a training does not find out at its first checkpoint.
   *
   * @throws HooklineError `HKL_OUTPUT_UNWRITABLE`
   */
  async assertWritable(): Promise<void> {
    const probe = join(this.dir, `.hookline-probe-${process.pid}`);
    try {
      await makeFolder(this.dir);
      await writeFile(probe, '');
      await rm(probe);
    } catch (cause) {
      throw new HooklineError(
        'HKL_OUTPUT_UNWRITABLE',
        `cannot write into ${this.dir} (${systemCode(cause) ?? 'unknown reason'})`,
        {
          who: 'output',
          fix: 'Choose another folder (output: ..., or --output DIR), or change its permissions',
          cause,
        },
      );
    }
  }
}
