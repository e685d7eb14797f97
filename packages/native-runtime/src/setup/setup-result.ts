import type { HooklineError } from '@hookline/core';
import type { CudaLibraries } from '../cuda/cuda-libraries.ts';
import type { NativeRuntime } from '../find/native-runtime.ts';
import type { Verification } from '../binding/verify-binding.ts';

/** One way that setup went, or why it did not go it. */
export interface SetupStep {
  readonly name: string;
  readonly outcome: 'used' | 'skipped' | 'failed';
  readonly detail: string;
  readonly seconds: number;
  /** Code of the error that this is where it was asked for by name. */
  readonly code?: string | undefined;
}

export interface SetupResult {
  /** `native`: TensorFlow runs. `wasm`: it cannot be had here, and training uses WebAssembly. Neither is an error. */
  readonly runtime: 'native' | 'wasm';
  /** True when it worked before and nothing was changed. */
  readonly unchanged: boolean;
  readonly native: NativeRuntime | undefined;
  readonly verification: Verification | undefined;
  /** What TensorFlow finds of CUDA; `undefined` where that was not wanted. */
  readonly cuda: CudaLibraries | undefined;
  /**
   * Why the CUDA that the option `cuda: true` asks for could not be had: `HKL_CUDA_UNAVAILABLE`, or `HKL_DISK_FULL` where
   * there is no room for it. What works without it is kept.
   */
  readonly error: HooklineError | undefined;
  /** One sentence for people: what will be used, or why not TensorFlow. */
  readonly summary: string;
  readonly steps: readonly SetupStep[];
  readonly seconds: number;
}

/** Prints the result of a setup for people, one line per step and the summary last. */
export function formatSetup({ steps, summary, seconds }: SetupResult): string {
  const mark = { used: 'ok  ', skipped: 'skip', failed: 'FAIL' } as const;
  const lines = steps.map(({ name, outcome, detail }) => `  ${mark[outcome]}  ${name}: ${detail}`);
  return [...lines, `${summary} (${seconds.toFixed(1)} s)`].join('\n');
}
