import { writeGraph, type NamedRecord, type RecordNames, type VariableNames } from '../graph/graph-def.ts';
import type { VariableSpec } from '../graph/graph-record.ts';
import type { NativeBinding, NativeTensor } from '../device/native-backend.ts';
import { loadGraph } from '../graph/saved-model.ts';

/** One record, ready to run, with the names under which the session feeds its inputs and fetches its outputs. */
interface Entry {
  readonly feeds: string;
  readonly fetches: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * A TensorFlow session with one graph, which holds several records and the variables that they share. The variables live in
 * the session. They have no values at first and must be written before the first run.
 */
export class GraphSession {
  readonly #binding: NativeBinding;
  readonly #variables: ReadonlyMap<string, VariableNames>;
  readonly #entries = new Map<string, Entry>();
  /** The number of nodes in the graph. */
  readonly nodeCount: number;
  #id: number | undefined;

  constructor(binding: NativeBinding, variables: Iterable<VariableSpec>, records: Iterable<NamedRecord>) {
    this.#binding = binding;
    const written = writeGraph(variables, records);
    this.#variables = written.variables;
    this.nodeCount = written.nodeCount;
    for (const [name, names] of written.records) this.#entries.set(name, entryOf(names));
    this.#id = loadGraph(binding, written.graph);
  }

  /** Returns the names of a record's inputs, in the order in which `run` takes their handles. */
  inputsOf(record: string): readonly string[] {
    return this.#entry(record).inputs;
  }

  /** Returns the names of a record's outputs, in the order in which `run` returns them. */
  outputsOf(record: string): readonly string[] {
    return this.#entry(record).outputs;
  }

  /**
   * Runs one record.
   *
   * @param handles the handles of the inputs, in the order of `inputsOf`
   * @returns the outputs, in the order of `outputsOf`; the caller owns them
   */
  run(record: string, handles: number[]): NativeTensor[] {
    const { feeds, fetches } = this.#entry(record);
    return this.#binding.runSavedModel(this.#open(), handles, feeds, fetches);
  }

  /** Copies the tensors behind handles into variables, by key. */
  write(values: readonly { readonly key: string; readonly handle: number }[]): void {
    if (values.length === 0) return;
    const names = values.map(({ key }) => this.#names(key));
    const done = this.#binding.runSavedModel(
      this.#open(),
      values.map(({ handle }) => handle),
      names.map(({ feed }) => feed).join(','),
      names.map(({ written }) => written).join(','),
    );
    for (const { id } of done) this.#binding.deleteTensor(id);
  }

  /** Returns new tensors with the variables' current values, in the order of the keys. The caller owns them. */
  read(keys: readonly string[]): NativeTensor[] {
    if (keys.length === 0) return [];
    return this.#binding.runSavedModel(this.#open(), [], '', keys.map((key) => this.#names(key).value).join(','));
  }

  /** Frees the session and its variables. May be called twice. */
  close(): void {
    if (this.#id === undefined) return;
    this.#binding.deleteSavedModel(this.#id);
    this.#id = undefined;
  }

  #open(): number {
    if (this.#id === undefined) throw new Error('the session is closed');
    return this.#id;
  }

  #entry(record: string): Entry {
    const entry = this.#entries.get(record);
    if (entry === undefined) throw new RangeError(`the session has no record ${record}`);
    return entry;
  }

  #names(key: string): VariableNames {
    const names = this.#variables.get(key);
    if (names === undefined) throw new RangeError(`the session has no variable ${key}`);
    return names;
  }
}

const entryOf = ({ inputs, outputs }: RecordNames): Entry => ({
  feeds: [...inputs.values()].join(','),
  fetches: [...outputs.values()].join(','),
  inputs: [...inputs.keys()],
  outputs: [...outputs.keys()],
});
