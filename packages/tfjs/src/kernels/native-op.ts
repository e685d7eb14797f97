import { DataType, type NativeAttribute, type NativeBackend } from '../capture/native-backend.ts';

/** The attribute that says on which type an op works, one of {@link DataType}. */
export const typeOf = ({ binding }: NativeBackend, name: string, value: number): NativeAttribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value,
});

/** The attribute that says that an op works on float32. */
export const floatType = (backend: NativeBackend, name = 'T'): NativeAttribute =>
  typeOf(backend, name, DataType.float32);
