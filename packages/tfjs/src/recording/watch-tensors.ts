import { handleOf, type NativeBackend, type NativeTensorInfo } from '../device/native-backend.ts';

/**
 * Calls `onUse` with each input of an op that is on the device already, or was made before this call, until the returned
 * function is called.
 *
 * tfjs-node hands a tensor to TensorFlow when an op uses it for the first time. Whether it was made since the watch began
 * shows only by its making; and one from before is noted when it is used, in the order of use, as any other.
 */
export function watchTensors(
  backend: NativeBackend,
  onUse: (dataId: object, info: NativeTensorInfo) => void,
): () => void {
  const made = new WeakSet<NativeTensorInfo>();
  const move = backend.move.bind(backend);
  const getInputTensorIds = backend.getInputTensorIds.bind(backend);
  backend.move = (dataId, ...rest) => {
    move(dataId, ...rest);
    made.add(backend.tensorMap.get(dataId));
  };
  backend.getInputTensorIds = (tensors) => {
    for (const { dataId } of tensors) {
      // One kind of argument is a number that only looks like a tensor.
      if ((dataId as object | undefined) === undefined || !backend.tensorMap.has(dataId)) continue;
      const info = backend.tensorMap.get(dataId);
      if (info.values === null || !made.has(info)) onUse(dataId, info);
      else handleOf(backend, { dataId });
    }
    return getInputTensorIds(tensors);
  };
  return () => {
    for (const method of ['move', 'getInputTensorIds'] as const) Reflect.deleteProperty(backend, method);
  };
}
