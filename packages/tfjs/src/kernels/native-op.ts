import { DataType, type NativeAttribute, type NativeBackend } from '../capture/native-backend.ts';

/** The attribute that says that an op works on float32. */
export const floatType = ({ binding }: NativeBackend, name = 'T'): NativeAttribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value: DataType.float32,
});
