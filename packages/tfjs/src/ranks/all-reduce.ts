import { communicator, HooklineError } from '@hookline/core';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import tf from '#tfjs';
import { asNativeBackend, type NativeBackend } from '../device/native-backend.ts';
import { findNativeRuntime, libraryFolderOf } from '@hookline/native-runtime';
import { nativeRanks } from './join-ranks.ts';
import { ranksError } from './mpi-communicator.ts';
import type { NativeRanks } from './native-ranks.ts';

/** TensorFlow's name of the op by which ranks meet inside a step. */
export const ALL_REDUCE = 'HooklineAllReduce';

/** What MPI may still write into, after a wait that was given up. */
const given: Float32Array[] = [];

/**
 * The means of these tensors over all ranks, inside a step; every rank has to call it in the same order with the same shapes. On native
 * TensorFlow it is an op, which stands in captured steps; while a step is being recorded it is the identity, since recording a step runs
 * it. On other backends the values go over the host. In a single process the tensors themselves are copied.
 *
 * It blocks until all ranks are there.
 *
 * @param tensors float32
 * @returns new tensors, equal to the bit on all ranks
 * @throws HooklineError `HKL_RANK_SILENT` when ranks do not come within the time limit, `HKL_RANKS_BACKEND`
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

/** The error of the ranks that is behind an error of TensorFlow, or undefined where that is about something else. */
export function rankFault(error: unknown, rank = communicator().rank): HooklineError | undefined {
  if (!(error instanceof Error) || !/HKL_(RANK|MPI)_\w+: /.test(error.message)) return undefined;
  const problem = nativeRanks()?.fault();
  return problem === undefined ? undefined : ranksError(problem, rank);
}

/** The ranks that brought infinite or NaN numbers to the step in progress; none in a single process. */
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
  // By its bare name the loader finds what is loaded, wherever that lies.
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
