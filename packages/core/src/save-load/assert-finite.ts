import type { HostTensor } from '../checkpoint/host-tensor.ts';
import { HooklineError } from '../errors.ts';

/**
 * Checks the tensors of a checkpoint. Only float32 and float64 are checked, the types of weights and optimizers.
 *
 * @throws HooklineError `HKL_WEIGHTS_NOT_FINITE` with the names of the tensors that hold NaN or an infinite number
 */
export function assertFinite(tensors: ReadonlyMap<string, HostTensor>): void {
  const bad = [...tensors].flatMap(([name, tensor]) => (isFinite(tensor) ? [] : [name]));
  if (bad.length === 0) return;
  const shown = bad.slice(0, 3).join(', ');
  throw new HooklineError('HKL_WEIGHTS_NOT_FINITE', `NaN or infinite numbers are in ${shown}`, {
    who: 'checkpoints',
    where: bad.length > 3 ? `and in ${bad.length - 3} more` : undefined,
    fix: 'Go on from an earlier checkpoint',
  });
}

function isFinite({ dtype, data }: HostTensor): boolean {
  if (dtype !== 'float32' && dtype !== 'float64') return true;
  const ArrayType = dtype === 'float32' ? Float32Array : Float64Array;
  const { buffer, byteOffset, byteLength } = data;
  const numbers = new ArrayType(buffer.slice(byteOffset, byteOffset + byteLength));
  return numbers.every((value) => Number.isFinite(value));
}
