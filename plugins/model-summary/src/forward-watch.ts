import { modelVariables, tf, type TrainableModel } from '@hookline/tfjs';
import { multiplyAdds } from './multiply-adds.ts';

/** What an operation did with a layer's variables. */
export interface LayerUse {
  /** The shape of the largest result of an operation that takes the layer's variables and data; undefined where there is none. */
  readonly output: readonly number[] | undefined;
  readonly multiplyAdds: number;
}

/** What a forward pass came to. */
export interface ForwardUse {
  /** By the layer's name, in the order of their first use. */
  readonly layers: ReadonlyMap<string, LayerUse>;
  /** Multiply-adds of operations that take no variable of the model, such as products of queries and keys. */
  readonly elsewhere: number;
}

/** The layer of a variable: its name without the last part, as in `block/conv/kernel`. */
export function layerOf(variable: string): string {
  const end = variable.lastIndexOf('/');
  return end === -1 ? variable : variable.slice(0, end);
}

type Tensors = tf.Tensor | readonly tf.Tensor[];

/** What is used of tfjs's engine: all operations go through this method, those of `tf.customGrad` included. */
interface Engine {
  runKernelFunc: (this: unknown, call: Call) => Tensors;
}

interface Call {
  /** Undefined for `tf.customGrad`, whose own operations come by themselves. */
  readonly kernelName?: string;
  readonly inputs: Readonly<Record<string, tf.Tensor | readonly tf.Tensor[] | null | undefined>>;
  readonly attrs?: Readonly<Record<string, unknown>>;
}

/** Where a tensor comes from: variables of a layer alone, constants alone, or data. */
type Source = { readonly layer: string } | 'constant' | 'data';

const DATA: Source = 'data';

/**
 * Watches the operations of one forward pass as they run, on any backend. Nothing is computed for it and no value is read.
 * Which layer an operation belongs to is told by the variables that reach it: directly, or by way of others that came of variables alone, such as
 * the factor of a batch norm.
 */
export class ForwardWatch {
  readonly #sources = new WeakMap<object, Source>();
  readonly #layers = new Map<string, LayerUse>();
  #elsewhere = 0;
  #stop: (() => void) | undefined;

  /** Begins to watch. */
  start(model: TrainableModel): void {
    for (const [name, { dataId }] of modelVariables(model)) this.#sources.set(dataId, { layer: layerOf(name) });
    const engine = tf.engine() as unknown as Engine;
    const run = engine.runKernelFunc;
    // Kernels may be made of others, which would count again.
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

  /** Stops watching; may be called twice. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** What was seen. */
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

  /** What was not seen being made is data, unless it is a number. */
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
