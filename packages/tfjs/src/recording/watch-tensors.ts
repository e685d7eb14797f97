import { handleOf, type NativeBackend, type NativeTensorInfo } from '../device/native-backend.ts';

/**
 * Calls `onUse` for each input of an op that is already on the device, or was made before this call. The returned function
 * ends the watch.
 *
 * tfjs-node hands a tensor to TensorFlow only when an op first uses it, so the watch notes which tensors are made meanwhile.
 * A tensor from before is reported when an op uses it, in the order of use.
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
      // An argument may be a number in an object that only looks like a tensor.
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
