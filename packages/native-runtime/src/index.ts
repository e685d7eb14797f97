// Getting the native runtime
export type { SetupLimits, SetupOptions } from './setup/setup-options.ts';
export { formatSetup, type SetupResult, type SetupStep } from './setup/setup-result.ts';
export { setupRuntime } from './setup/setup-runtime.ts';
export { compileRanksAddon, type CompileRanksOptions } from './ranks/ranks-addon.ts';
export type { Attempt } from './machine/attempt.ts';

// Finding it, and loading it without its notes
export type { LookupOptions, NativePackage } from './find/native-package.ts';
export { findNativeRuntime, type NativeLookup, type NativeRuntime } from './find/native-runtime.ts';
export { libraryFolderOf } from './find/tensorflow-files.ts';
export { withoutNotes } from './binding/stderr-gate.ts';
export { findRanksAddons, mpiName, type RanksAddon } from './ranks/ranks-addon.ts';

// Knowing what will be used, and why
export type { CudaLibraries, CudaLibrary } from './cuda/cuda-libraries.ts';
export { findOutWhyNoGpu, type CudaState } from './cuda/why-no-gpu.ts';
export { diagnose, type Diagnosis } from './diagnose/diagnose.ts';
export { formatDiagnosis } from './diagnose/format-diagnosis.ts';
export type { Machine } from './machine/machine.ts';
export type { NvidiaGpus } from './machine/nvidia-gpu.ts';
