import { writeGraph, type NamedRecord, type RecordNames, type VariableNames } from '../graph/graph-def.ts';
import type { VariableSpec } from '../graph/graph-record.ts';
import type { NativeBinding, NativeTensor } from '../device/native-backend.ts';
import { loadGraph } from '../graph/saved-model.ts';

/** One record, ready to be run: its ends by the names that the session takes. */
interface Entry {
  readonly feeds: string;
  readonly fetches: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * A TensorFlow session over one graph: some records and the variables that they share. The variables live in the
 * session and start without values; they must be written before the first run.
 */
export class GraphSession {
  readonly #binding: NativeBinding;
  readonly #variables: ReadonlyMap<string, VariableNames>;
  readonly #entries = new Map<string, Entry>();
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

  /** The names of a record's inputs, in the order in which `run` takes their handles. */
  inputsOf(record: string): readonly string[] {
    return this.#entry(record).inputs;
  }

  outputsOf(record: string): readonly string[] {
    return this.#entry(record).outputs;
  }

  /** Runs one record. Whoever calls owns the tensors that come back, in the order of `outputsOf`. */
  run(record: string, handles: number[]): NativeTensor[] {
    const { feeds, fetches } = this.#entry(record);
    return this.#binding.runSavedModel(this.#open(), handles, feeds, fetches);
  }

  /** Copies values into variables. */
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

  /** New tensors with the variables' present values, in the order of the keys. */
  read(keys: readonly string[]): NativeTensor[] {
    if (keys.length === 0) return [];
    return this.#binding.runSavedModel(this.#open(), [], '', keys.map((key) => this.#names(key).value).join(','));
  }

  /** Frees the session with its variables. May be called twice. */
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
