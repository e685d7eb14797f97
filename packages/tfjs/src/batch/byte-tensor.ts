import type tf from '#tfjs';
import { DataType, type NativeBackend, typeOf } from '../device/native-backend.ts';

/**
 * Makes a tensor of another dtype from bytes. TensorFlow receives the bytes unchanged and widens them itself. In
 * JavaScript, the conversion would take longer than the copy, and the copy would be four times as large. tfjs has no
 * byte dtype, so this calls the op directly.
 *
 * @param data one byte per element
 */
export function tensorOfBytes(
  native: NativeBackend,
  data: Uint8Array,
  shape: number[],
  dtype: 'float32' | 'int32',
): tf.Tensor {
  const { binding } = native;
  // A Buffer is a subclass of Uint8Array that the binding does not accept.
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
