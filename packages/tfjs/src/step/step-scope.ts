import { withStepRandomness } from './tfjs-randomness.ts';
import { defineService, HooklineError, type NamedLosses, RandomStream, type WeakServiceRef } from '@hookline/core';
import tf from '#tfjs';
import { scalarInput, StepInput } from './step-input.ts';
import { StepRandom } from './step-random.ts';
import { type StepRanks, withRanks } from './step-ranks.ts';
import { StepVariant, type VariantValue } from './step-variant.ts';
import { UpdateCondition } from './update-condition.ts';

/** How {@link StepScope.variable} makes a variable. */
export interface StepVariableOptions {
  /** Whether checkpoints hold it. @default true */
  readonly saved?: boolean;
}

/** A variable of the scope, for runners and checkpoints. */
export interface ScopeVariable {
  readonly variable: tf.Variable;
  readonly saved: boolean;
}

/** The losses of a step, and their sum. */
export interface StepLosses {
  readonly losses: NamedLosses;
  readonly total: tf.Scalar;
}

/** Options of {@link StepScope}. */
export interface StepScopeOptions {
  /** Where the random tensors' keys come from: a stream of the run, or a seed. @default 0 */
  readonly random?: RandomStream | number;
}

const KEY_WORDS = 2;
/** Draws of `Math.random` that one step may make before its numbers meet those of the next. */
const HOST_WORDS = 2 ** 22;

/**
 * What a sync tap, a loss or an optimizer may use inside a step besides its tensors: inputs, variants, variables and
 * random tensors, each with a name of its own. Ask for them before the first step, in a plugin's setup.
 */
export class StepScope {
  readonly #inputs = new Map<string, StepInput>();
  readonly #variants = new Map<string, StepVariant>();
  readonly #variables = new Map<string, ScopeVariable>();
  readonly #randoms = new Map<string, StepRandom>();
  readonly #metrics = new Map<string, tf.Scalar>();
  /** Variables of plugins that were torn down, until they are asked for again. */
  #kept = new Map<string, ScopeVariable>();
  #released: (() => void)[] = [];
  readonly #update = new UpdateCondition();
  readonly #keyStream: RandomStream;
  readonly #hostStream: RandomStream;
  readonly #key: StepInput<tf.Tensor1D>;
  #lossScale: (() => tf.Scalar) | undefined;
  #ranks: StepRanks | undefined;
  #losses: StepLosses | undefined;
  #iteration = 0;
  #part: string | undefined;
  /** For runners: is told of each random number that the step makes on the host. */
  onHostDraw: (() => void) | undefined;
  #running = false;

  constructor({ random = 0 }: StepScopeOptions = {}) {
    const root = typeof random === 'number' ? new RandomStream(random, 'step') : random;
    this.#keyStream = root.stream('key');
    this.#hostStream = root.stream('host');
    this.#key = new StepInput<tf.Tensor1D>('random_key', 'int32', [KEY_WORDS], () => {
      this.#keyStream.position = this.#iteration * KEY_WORDS;
      return Int32Array.from(this.#keyStream.seedPair());
    });
  }

  /** A number of the host that may change from step to step, such as a learning rate. */
  input(name: string, read: () => number): StepInput<tf.Scalar> {
    const input = scalarInput(name, read);
    this.adopt(input);
    this.#released.push(() => this.#inputs.delete(name));
    return input;
  }

  /** A choice of the host that changes what the step computes. Give it few values. */
  variant<T extends VariantValue>(name: string, read: () => T): StepVariant<T> {
    const variant = new StepVariant(name, read);
    this.adopt(variant);
    this.#released.push(() => this.#variants.delete(name));
    return variant;
  }

  /**
   * A variable that lives with the step: captured with it and saved in checkpoints.
   *
   * @param init its first value; a tensor that a function makes is disposed of here, one that is given is not
   */
  variable(name: string, init: tf.Tensor | (() => tf.Tensor), { saved = true }: StepVariableOptions = {}): tf.Variable {
    const kept = this.#kept.get(name);
    if (kept !== undefined) {
      this.#kept.delete(name);
      return kept.variable;
    }
    this.#claim('variable', name, this.#variables);
    if (this.#running) {
      throw new HooklineError('HKL_STEP_VARIABLE_LATE', `the step variable "${name}" is made inside a step`, {
        fix: "Make it in the plugin's setup function, so that it exists when the step is recorded",
      });
    }
    const variable = tf.tidy(() => tf.variable(typeof init === 'function' ? init() : init, false));
    this.#variables.set(name, { variable, saved });
    return variable;
  }

  /**
   * Reports a scalar of the step in progress. The engine stores it under this name, and nobody waits for it: it is read
   * when somebody asks. While one of several parts is updated, the part's name comes before it, as in `generator/grad_norm`.
   *
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step runs, `HKL_STEP_NAME_TAKEN` when this step has reported it
   */
  metric(name: string, value: tf.Scalar): void {
    if (!this.#running) {
      throw new HooklineError('HKL_OUTSIDE_STEP', `the step metric "${name}" is reported outside of a step`, {
        fix: 'Report it in a sync tap; outside of steps use storage.putScalar',
      });
    }
    const key = this.#part === undefined ? name : `${this.#part}/${name}`;
    this.#claim('metric', key, this.#metrics);
    const scalar = tf.tidy(() => value.cast('float32').asScalar().clone());
    this.#metrics.set(key, tf.keep(scalar));
  }

  /** For runners: what the step that ran last has reported. Whoever takes it disposes it. */
  takeMetrics(): ReadonlyMap<string, tf.Scalar> {
    const metrics = new Map(this.#metrics);
    this.#metrics.clear();
    return metrics;
  }

  /**
   * Scales the loss, for reduced precision: gradients are taken of s·loss and divided by s before any tap sees them. The
   * losses themselves, as they are reported and checked, stay as they are.
   *
   * @param scale gives s inside each step: a step variable, or the tensor of an input; above 0
   * @throws HooklineError `HKL_STEP_NAME_TAKEN` when there is a loss scale already
   */
  scaleLoss(scale: () => tf.Scalar): void {
    if (this.#lossScale !== undefined) {
      throw new HooklineError('HKL_STEP_NAME_TAKEN', 'the loss of this step is scaled already', {
        fix: 'List one plugin that scales the loss',
      });
    }
    this.#lossScale = scale;
    this.#released.push(() => (this.#lossScale = undefined));
  }

  /** For runners: the scale of the loss, where there is one. */
  get lossScale(): (() => tf.Scalar) | undefined {
    return this.#lossScale;
  }

  /**
   * Makes the update of the step in progress depend on a value on the device: where that is false, the optimizer and
   * the taps of `update` and `afterUpdate` change no variable. What the model and the taps of `gradients` have changed
   * stays. Asked for several times in a step, all values must be true.
   *
   * @param condition a scalar of dtype bool
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step runs, `HKL_UPDATE_BEGUN` when the update runs already,
   * `HKL_UPDATE_CONDITION` for anything but one boolean
   */
  updateIf(condition: tf.Scalar): void {
    if (!this.#running) {
      throw new HooklineError('HKL_OUTSIDE_STEP', 'the update depends on a condition only inside a step', {
        fix: 'Call updateIf() in a tap of gradients',
      });
    }
    this.#update.add(condition);
  }

  /** What {@link StepScope.updateIf} has been called with in the step in progress. */
  get updateCondition(): tf.Scalar | undefined {
    return this.#update.value;
  }

  /** For runners: the update begins. @returns its condition, which the caller disposes of */
  beginUpdate(): tf.Scalar | undefined {
    return this.#update.begin();
  }

  /** For runners: the update has ended; another part of the step may begin. */
  endUpdate(): void {
    this.#update.end();
  }

  /**
   * For a plugin that trains on several processes: what each step shares with the other ranks.
   *
   * @throws HooklineError `HKL_STEP_NAME_TAKEN` when another plugin does so already
   */
  shareRanks(ranks: StepRanks): void {
    if (this.#ranks !== undefined) {
      throw new HooklineError('HKL_STEP_NAME_TAKEN', 'another plugin connects this step with other ranks', {
        fix: 'List dataParallel() once',
      });
    }
    this.#ranks = ranks;
    this.#released.push(() => (this.#ranks = undefined));
  }

  /** For runners: what the steps share with other ranks. */
  get ranks(): StepRanks | undefined {
    return this.#ranks;
  }

  /**
   * In a tap of gradients: puts others in the place of the losses that the step reports and checks, such as their means over all ranks.
   *
   * @param replace is given the losses by name and their sum, and returns as many
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no gradients are being handed on
   */
  replaceLosses(replace: (losses: StepLosses) => StepLosses): void {
    if (this.#losses === undefined) {
      throw new HooklineError('HKL_OUTSIDE_STEP', 'there are no losses to replace', {
        fix: 'Call replaceLosses() in a tap of gradients',
      });
    }
    this.#losses = replace(this.#losses);
  }

  /** For runners: hands gradients on while {@link StepScope.replaceLosses} may be called. */
  withLosses<T>(losses: StepLosses, handOn: () => T): { readonly result: T; readonly replaced: StepLosses } {
    this.#losses = losses;
    try {
      const result = handOn();
      return { result, replaced: this.#losses };
    } finally {
      this.#losses = undefined;
    }
  }

  /** Random tensors of this name. */
  random(name: string): StepRandom {
    let random = this.#randoms.get(name);
    if (random === undefined) this.#randoms.set(name, (random = new StepRandom(name, this.#key)));
    return random;
  }

  /** For runners and optimizers: takes over an input or a variant that was made elsewhere. @param name here */
  adopt(part: StepInput | StepVariant, name = part.name): void {
    if (part instanceof StepVariant) {
      if (this.#variants.get(name) === part) return;
      this.#claim('variant', name, this.#variants);
      this.#variants.set(name, part);
      return;
    }
    if (this.#inputs.get(name) === part) return;
    this.#claim('input', name, this.#inputs);
    this.#inputs.set(name, part);
  }

  /** For runners: the iteration of the step in progress, or of the next one. */
  get iteration(): number {
    return this.#iteration;
  }

  /** For runners: runs what updates one of several parts. @param part its name; undefined where there are no parts */
  inPart<T>(part: string | undefined, body: () => T): T {
    this.#part = part;
    try {
      return body();
    } finally {
      this.#part = undefined;
    }
  }

  /** For runners: all inputs, by name; the key of the random tensors is among them. */
  inputs(): ReadonlyMap<string, StepInput> {
    return new Map<string, StepInput>([[this.#key.name, this.#key], ...this.#inputs]);
  }

  /** For runners: what the variants say now, equal for equal choices. */
  variantKey(): string {
    return this.#variants.size === 0
      ? ''
      : JSON.stringify([...this.#variants].map(([name, { value }]) => [name, value]));
  }

  /** All variables of the scope, by name. */
  variables(): ReadonlyMap<string, ScopeVariable> {
    return this.#variables;
  }

  /** For runners: sets the iteration that {@link StepInput.values} and the random tensors go by. */
  seek(iteration: number): void {
    this.#iteration = iteration;
  }

  /**
   * For runners: runs `body` as the step of `iteration`. Host values stand still, random tensors are keyed, and
   * tfjs's own random numbers come from the run's seed.
   *
   * @param feeds tensors in the place of inputs, by name
   */
  run<T>(iteration: number, body: () => T, feeds?: ReadonlyMap<string, tf.Tensor>): T {
    this.#iteration = iteration;
    this.#dropReported();
    for (const random of this.#randoms.values()) random.begin();
    this.#hostStream.position = iteration * HOST_WORDS;
    return this.#run(body, feeds);
  }

  /** For runners: runs another part of the step that {@link StepScope.run} began, with the random numbers that follow. */
  resume<T>(body: () => T): T {
    return this.#run(body);
  }

  #run<T>(body: () => T, feeds?: ReadonlyMap<string, tf.Tensor>): T {
    if (this.#running) {
      throw new HooklineError('HKL_STEP_NESTED', 'a step begins inside another step', {
        where: `iteration ${this.#iteration}`,
        fix: 'Give every trainer its own StepScope, and run one step at a time',
      });
    }
    this.#running = true;
    try {
      this.#key.begin(feeds?.get(this.#key.name) as tf.Tensor1D | undefined);
      for (const [name, input] of this.#inputs) input.begin(feeds?.get(name));
      for (const variant of this.#variants.values()) variant.begin();
      const { onHostDraw: onHost } = this;
      return withRanks(this.#ranks, () =>
        withStepRandomness({ host: this.#hostStream, open: (name) => this.random(name), onHost }, body),
      );
    } catch (error) {
      this.#dropReported();
      throw error;
    } finally {
      this.#running = false;
      this.#update.end();
      this.#key.end();
      for (const input of this.#inputs.values()) input.end();
      for (const variant of this.#variants.values()) variant.end();
    }
  }

  /**
   * For the trainer: the plugins that asked for inputs, variants and variables are being torn down, and may ask again
   * when they are set up anew. A variable that is asked for again is the same one, with its value.
   */
  release(): void {
    for (const drop of this.#released) drop();
    this.#released = [];
    this.#kept = new Map(this.#variables);
  }

  /** Disposes the variables. */
  dispose(): void {
    for (const { variable } of this.#variables.values()) variable.dispose();
    this.#variables.clear();
    this.#dropReported();
  }

  #dropReported(): void {
    tf.dispose([...this.takeMetrics().values()]);
    this.#update.dispose();
  }

  #claim(kind: string, name: string, taken: ReadonlyMap<string, unknown>): void {
    if (!taken.has(name) && name !== this.#key.name) return;
    throw new HooklineError('HKL_STEP_NAME_TAKEN', `there is already a step ${kind} named "${name}"`, {
      fix: "Begin the name with the plugin's name, and with its instance id where there may be several",
    });
  }
}

export const stepScopeRef: WeakServiceRef<StepScope> = defineService<StepScope>('stepScope', {
  description: 'inputs, variables and random tensors inside the step (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});
