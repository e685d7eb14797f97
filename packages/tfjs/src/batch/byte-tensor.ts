import type tf from '#tfjs';
import { DataType, type NativeBackend, typeOf } from '../device/native-backend.ts';

/**
 * A tensor of bytes as numbers of another type. TensorFlow gets the bytes as they are and widens them itself; in
 * JavaScript that would take longer than the copy, and the copy would be four times as large. tfjs has no type for bytes,
 * so the op is called directly.
 *
 * @param data one byte for each element
 */
export function tensorOfBytes(
  native: NativeBackend,
  data: Uint8Array,
  shape: number[],
  dtype: 'float32' | 'int32',
): tf.Tensor {
  const { binding } = native;
  // A Buffer is a Uint8Array of a kind that the binding does not know.
  const bytes = data.constructor === Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
  const handle = binding.createTensor(shape, DataType.uint8, bytes);
  try {
    const attributes = [
      typeOf(native, 'SrcT', DataType.uint8),
      typeOf(native, 'DstT', DataType[dtype]),
      { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false },
    ];
    const [widened] = binding.executeOp('Cast', attributes, [handle], 1);
    if (widened === undefined) throw new Error('the op Cast returned nothing');
    return native.createOutputTensor(widened);
  } finally {
    binding.deleteTensor(handle);
  }
}
