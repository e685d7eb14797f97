import { communicator, HooklineError } from '@hookline/core';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import tf from '#tfjs';
import { asNativeBackend, type NativeBackend } from '../device/native-backend.ts';
import { findNativeRuntime, libraryFolderOf } from '@hookline/native-runtime';
import { nativeRanks } from './join-ranks.ts';
import { ranksError } from './mpi-communicator.ts';
import type { NativeRanks } from './native-ranks.ts';

/** The TensorFlow name of the op that all-reduces tensors across ranks inside a step. */
export const ALL_REDUCE = 'HooklineAllReduce';

/** Buffers that MPI may still write to after a wait was given up; they must stay referenced. */
const given: Float32Array[] = [];

/**
 * Returns the means of these tensors over all ranks, inside a step. Every rank must call it in the same order with the
 * same shapes. On native TensorFlow it is an op, which captured steps contain. While a step is recorded, the op is the
 * identity, because recording a step also runs it. On other backends the values pass through the host. A single process
 * gets copies.
 *
 * The call blocks until all ranks have arrived.
 *
 * @param tensors float32
 * @returns new tensors, bit-identical on all ranks
 * @throws HooklineError `HKL_RANK_SILENT` when ranks do not arrive within the time limit, `HKL_RANKS_BACKEND` when
 * TensorFlow rejects the op
 */
export function allReduceMean(tensors: readonly tf.Tensor[]): tf.Tensor[] {
  const ranks = nativeRanks();
  const { size, rank } = communicator();
  if (ranks === undefined || size === 1 || tensors.length === 0) return tensors.map((tensor) => tensor.clone());
  const backend = asNativeBackend(tf.backend());
  if (backend === undefined) return overHost(ranks, tensors, size, rank);
  registerOp(ranks);
  return overOp(ranks, backend, tensors, size, rank);
}

function overOp(
  ranks: NativeRanks,
  backend: NativeBackend,
  tensors: readonly tf.Tensor[],
  size: number,
  rank: number,
): tf.Tensor[] {
  const { binding } = backend;
  const isRecording = binding.isRecording === true;
  const attributes = [
    { name: 'N', type: binding.TF_ATTR_INT, value: tensors.length },
    { name: 'scale', type: binding.TF_ATTR_FLOAT, value: 1 / size },
  ];
  if (isRecording) ranks.communicate(false);
  try {
    return backend.executeMultipleOutputs(ALL_REDUCE, attributes, [...tensors], tensors.length);
  } catch (error) {
    throw rankFault(error, rank) ?? error;
  } finally {
    if (isRecording) ranks.communicate(true);
  }
}

/** Returns the rank error that caused an error of TensorFlow, or undefined when that error has another cause. */
export function rankFault(error: unknown, rank = communicator().rank): HooklineError | undefined {
  if (!(error instanceof Error) || !/HKL_(RANK|MPI)_\w+: /.test(error.message)) return undefined;
  const problem = nativeRanks()?.fault();
  return problem === undefined ? undefined : ranksError(problem, rank);
}

/** The ranks that contributed infinite or NaN values to the current step; none in a single process. */
export const ranksNotFinite = (): readonly number[] => nativeRanks()?.notFinite() ?? [];

function overHost(ranks: NativeRanks, tensors: readonly tf.Tensor[], size: number, rank: number): tf.Tensor[] {
  if (tf.getBackend() === 'webgpu') {
    throw new HooklineError('HKL_RANKS_BACKEND', 'values on WebGPU cannot be read inside a step', {
      who: 'the all-reduce of a step',
      fix: "Train on several processes with selectDevice('cpu') or native TensorFlow on a GPU",
    });
  }
  const whole = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.size, 0));
  let at = 0;
  for (const tensor of tensors) {
    whole.set(tensor.dataSync<'float32'>(), at);
    at += tensor.size;
  }
  const problem = ranks.reduce(whole, 1 / size);
  if (problem !== undefined) {
    given.push(whole);
    throw ranksError(problem, rank);
  }
  at = 0;
  return tensors.map((tensor) => {
    at += tensor.size;
    return tf.tensor(whole.slice(at - tensor.size, at), tensor.shape, 'float32');
  });
}

const FRAMEWORKS = ['libtensorflow_framework.so.2', 'libtensorflow_framework.2.dylib'];

let isRegistered = false;

function registerOp(ranks: NativeRanks): void {
  if (isRegistered) return;
  const { runtime } = findNativeRuntime();
  const folders = runtime === undefined ? [] : [libraryFolderOf(dirname(realpathSync(runtime.bindingPath)))];
  // Given only a file name, the loader finds the library that is already loaded, wherever it is.
  const places = ['', ...folders].flatMap((folder) => FRAMEWORKS.map((name) => join(folder, name)));
  let problem = '';
  for (const place of places) {
    const met = ranks.registerOp(place);
    if (met === '') {
      isRegistered = true;
      return;
    }
    problem ||= met;
  }
  throw new HooklineError('HKL_RANKS_BACKEND', `TensorFlow does not take the op ${ALL_REDUCE}: ${problem}`, {
    who: 'the all-reduce of a step',
    fix: 'Run `hookline setup`, which brings a TensorFlow that takes it',
  });
}
