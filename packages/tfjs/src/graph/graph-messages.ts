import { createRequire } from 'node:module';
import { join } from 'node:path';
import { HooklineError } from '@hookline/core';
import { findNativeRuntime } from '@hookline/native-runtime';

interface Message {
  serializeBinary(): Uint8Array;
}
interface Dimension extends Message {
  setSize(size: number): void;
}
export interface ShapeMessage extends Message {
  setDimList(dimensions: Dimension[]): void;
}
export interface TensorMessage extends Message {
  setDtype(dtype: number): void;
  setTensorShape(shape: ShapeMessage): void;
  setTensorContent(content: Uint8Array): void;
  setStringValList(values: readonly Uint8Array[]): void;
}
interface ListMessage extends Message {
  setIList(values: readonly number[]): void;
  setFList(values: readonly number[]): void;
  setTypeList(values: readonly number[]): void;
}
export interface AttributeMessage extends Message {
  setType(type: number): void;
  setB(value: boolean): void;
  setI(value: number): void;
  setF(value: number): void;
  setS(value: Uint8Array): void;
  setShape(shape: ShapeMessage): void;
  setTensor(tensor: TensorMessage): void;
  setList(list: ListMessage): void;
}
export interface NodeMessage extends Message {
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: readonly string[]): void;
  getAttrMap(): { set(name: string, value: AttributeMessage): void };
}
interface VersionMessage extends Message {
  setProducer(version: number): void;
}
export interface GraphMessage extends Message {
  setNodeList(nodes: readonly NodeMessage[]): void;
  setVersions(versions: VersionMessage): void;
}
interface MetaInfoMessage extends Message {
  setTagsList(tags: readonly string[]): void;
}
interface MetaGraphMessage extends Message {
  setMetaInfoDef(info: MetaInfoMessage): void;
  setGraphDef(graph: GraphMessage): void;
}
interface SavedModelMessage extends Message {
  setSavedModelSchemaVersion(version: number): void;
  setMetaGraphsList(graphs: readonly MetaGraphMessage[]): void;
}

/** TensorFlow's protocol messages that a graph is written with. */
export interface GraphMessages {
  readonly NodeDef: new () => NodeMessage;
  readonly AttrValue: (new () => AttributeMessage) & { readonly ListValue: new () => ListMessage };
  readonly TensorShape: (new () => ShapeMessage) & { readonly Dim: new () => Dimension };
  readonly Tensor: new () => TensorMessage;
  readonly GraphDef: new () => GraphMessage;
  readonly VersionDef: new () => VersionMessage;
  readonly MetaGraphDef: (new () => MetaGraphMessage) & { readonly MetaInfoDef: new () => MetaInfoMessage };
  readonly SavedModel: new () => SavedModelMessage;
}

let loaded: GraphMessages | undefined;

/**
 * The messages, from the native runtime's own package, so that they fit its version.
 *
 * @throws HooklineError HKL_CAPTURE_BACKEND when the native runtime is not installed
 */
export function graphMessages(): GraphMessages {
  if (loaded !== undefined) return loaded;
  const { runtime, problem } = findNativeRuntime();
  if (runtime === undefined) {
    throw new HooklineError('HKL_CAPTURE_BACKEND', `there is no native TensorFlow to write a graph for: ${problem}`, {
      fix: 'Run `hookline setup`',
    });
  }
  const require = createRequire(join(runtime.package.folder, 'package.json'));
  loaded = require(join(runtime.package.folder, 'dist/proto/api_pb.js')) as GraphMessages;
  return loaded;
}
