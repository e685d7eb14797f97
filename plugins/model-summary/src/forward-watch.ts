import { modelVariables, tf, type TrainableModel } from '@hookline/tfjs';
import { multiplyAdds } from './multiply-adds.ts';

/** The observed operations of a layer. */
export interface LayerUse {
  /** Shape of the largest result of an operation on the layer's variables and data; undefined if there is none. */
  readonly output: readonly number[] | undefined;
  readonly multiplyAdds: number;
}

/** The result of observing a forward pass. */
export interface ForwardUse {
  /** The layers by name, in the order of their first use. */
  readonly layers: ReadonlyMap<string, LayerUse>;
  /** Multiply-adds of operations without a variable of the model, such as products of queries and keys. */
  readonly elsewhere: number;
}

/** The layer of a variable: its name without the last part, as in `block/conv/kernel`. */
export function layerOf(variable: string): string {
  const end = variable.lastIndexOf('/');
  return end === -1 ? variable : variable.slice(0, end);
}

type Tensors = tf.Tensor | readonly tf.Tensor[];

/** The part of TensorFlow.js's engine that is used here. All operations go through this method, including those of `tf.customGrad`. */
interface Engine {
  runKernelFunc: (this: unknown, call: Call) => Tensors;
}

interface Call {
  /** Undefined for `tf.customGrad`, whose inner operations are reported separately. */
  readonly kernelName?: string;
  readonly inputs: Readonly<Record<string, tf.Tensor | readonly tf.Tensor[] | null | undefined>>;
  readonly attrs?: Readonly<Record<string, unknown>>;
}

/** The origin of a tensor: only variables of a layer, only constants, or data. */
type Source = { readonly layer: string } | 'constant' | 'data';

const DATA: Source = 'data';

/**
 * Observes the operations of one forward pass as they run, on any backend. It computes nothing and reads no value.
 * An operation belongs to the layer whose variables it uses, either directly or through tensors that were computed only from variables, such as
 * the factor of a batch norm.
 */
export class ForwardWatch {
  readonly #sources = new WeakMap<object, Source>();
  readonly #layers = new Map<string, LayerUse>();
  #elsewhere = 0;
  #stop: (() => void) | undefined;

  /** Starts observing. */
  start(model: TrainableModel): void {
    for (const [name, { dataId }] of modelVariables(model)) this.#sources.set(dataId, { layer: layerOf(name) });
    const engine = tf.engine() as unknown as Engine;
    const run = engine.runKernelFunc;
    // A kernel may call others, which must not be counted again.
    let isInKernel = false;
    const watching = (call: Call): Tensors => {
      if (isInKernel) return run.call(engine, call);
      isInKernel = call.kernelName !== undefined;
      try {
        const result = run.call(engine, call);
        this.#note(call, [result].flat());
        return result;
      } finally {
        isInKernel = false;
      }
    };
    engine.runKernelFunc = watching;
    this.#stop = () => {
      if (engine.runKernelFunc === watching) engine.runKernelFunc = run;
    };
  }

  /** Stops observing; may be called twice. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** The observed layers. */
  get use(): ForwardUse {
    return { layers: this.#layers, elsewhere: this.#elsewhere };
  }

  #note({ kernelName, inputs, attrs = {} }: Call, results: readonly tf.Tensor[]): void {
    const given = Object.entries(inputs).flatMap(([name, value]) =>
      Array.isArray(value)
        ? (value as tf.Tensor[]).map((tensor, place) => [String(place), tensor] as const)
        : value instanceof tf.Tensor
          ? [[name, value] as const]
          : [],
    );
    const sources = given.map(([, tensor]) => this.#sourceOf(tensor));
    const layer = sources.find((source) => typeof source === 'object');
    const hasData = sources.includes(DATA);
    for (const { dataId } of results)
      if (!this.#sources.has(dataId)) this.#sources.set(dataId, hasData ? DATA : (layer ?? 'constant'));
    const [result] = results;
    if (result === undefined) return;
    const shapes = Object.fromEntries(given.map(([name, { shape }]) => [name, shape]));
    const count =
      kernelName === undefined
        ? 0
        : multiplyAdds({ kernel: kernelName, inputs: shapes, attributes: attrs, output: result.shape });
    if (layer === undefined) this.#elsewhere += count;
    else this.#add(layer.layer, count, hasData ? result : undefined);
  }

  /** A tensor whose creation was not observed counts as data, unless it is a scalar. */
  #sourceOf({ dataId, rank }: tf.Tensor): Source {
    return this.#sources.get(dataId) ?? (rank === 0 ? 'constant' : DATA);
  }

  #add(layer: string, count: number, result: tf.Tensor | undefined): void {
    const { output, multiplyAdds: before } = this.#layers.get(layer) ?? { output: undefined, multiplyAdds: 0 };
    const isLarger =
      result !== undefined && (output === undefined || result.size >= tf.util.sizeFromShape([...output]));
    this.#layers.set(layer, { output: isLarger ? [...result.shape] : output, multiplyAdds: before + count });
  }
}
