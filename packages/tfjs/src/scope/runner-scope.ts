import { defineService, HooklineError, RandomStream, type WeakServiceRef } from '@hookline/core';
import tf from '#tfjs';
import { scalarInput, StepInput } from './step-input.ts';
import { StepRandom } from './step-random.ts';
import { oneRank, type StepRanks, withRanks } from '../ranks/step-ranks.ts';
import type { StepScope, StepVariableOptions } from './step-scope.ts';
import { StepVariant, type VariantValue } from './step-variant.ts';
import { withStepRandomness } from './tfjs-randomness.ts';
import { UpdateCondition } from './update-condition.ts';

/** A variable of the scope, for runners and checkpoints. */
export interface ScopeVariable {
  readonly variable: tf.Variable;
  readonly saved: boolean;
}

/** Options of {@link RunnerScope}. */
export interface RunnerScopeOptions {
  /** The source of the random tensors' keys: a stream of the run, or a seed. @default 0 */
  readonly random?: RandomStream | number;
  /** What the steps share with other ranks. @default nothing: a single process */
  readonly ranks?: StepRanks;
}

const KEY_WORDS = 2;
/** The number of `Math.random` draws that one step may make before its numbers overlap those of the next step. */
const HOST_WORDS = 2 ** 22;

/**
 * The step scope of a training as seen by the code that runs the steps: a step runner, the trainer, or a user's own
 * training loop. It implements the declarations of {@link StepScope}, runs the steps with them, and lists what has been
 * declared. Plugins, models and optimizers receive {@link RunnerScope.facade}.
 */
export class RunnerScope implements StepScope {
  readonly #inputs = new Map<string, StepInput>();
  readonly #variants = new Map<string, StepVariant>();
  readonly #variables = new Map<string, ScopeVariable>();
  readonly #randoms = new Map<string, StepRandom>();
  readonly #metrics = new Map<string, tf.Scalar>();
  /** Variables of plugins that were torn down, kept until they are requested again. */
  #kept = new Map<string, ScopeVariable>();
  #released: (() => void)[] = [];
  readonly #keyStream: RandomStream;
  readonly #hostStream: RandomStream;
  readonly #key: StepInput<tf.Tensor1D>;
  #lossScale: (() => tf.Scalar) | undefined;
  #iteration = 0;
  #part: string | undefined;
  /** Called for each random number that a step draws on the host. */
  onHostDraw: (() => void) | undefined;
  #running = false;
  /** What the steps share with other ranks. */
  readonly ranks: StepRanks;
  /** Whether the step in progress, or the part that it is updating, makes its update. */
  readonly update = new UpdateCondition();
  /** The subset that plugins, models and optimizers may use. */
  readonly facade: StepScope = facadeOf(this);

  constructor({ random = 0, ranks = oneRank }: RunnerScopeOptions = {}) {
    this.ranks = ranks;
    const root = typeof random === 'number' ? new RandomStream(random, 'step') : random;
    this.#keyStream = root.stream('key');
    this.#hostStream = root.stream('host');
    this.#key = new StepInput<tf.Tensor1D>('random_key', 'int32', [KEY_WORDS], () => {
      this.#keyStream.position = this.#iteration * KEY_WORDS;
      return Int32Array.from(this.#keyStream.seedPair());
    });
  }

  input(name: string, read: () => number): StepInput<tf.Scalar> {
    const input = scalarInput(name, read);
    this.adopt(input);
    this.#released.push(() => this.#inputs.delete(name));
    return input;
  }

  variant<T extends VariantValue>(name: string, read: () => T): StepVariant<T> {
    const variant = new StepVariant(name, read);
    this.adopt(variant);
    this.#released.push(() => this.#variants.delete(name));
    return variant;
  }

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

  /** Takes the metrics that the last step reported. The caller disposes of them. */
  takeMetrics(): ReadonlyMap<string, tf.Scalar> {
    const metrics = new Map(this.#metrics);
    this.#metrics.clear();
    return metrics;
  }

  scaleLoss(scale: () => tf.Scalar): void {
    if (this.#lossScale !== undefined) {
      throw new HooklineError('HKL_STEP_NAME_TAKEN', 'the loss of this step is scaled already', {
        fix: 'List one plugin that scales the loss',
      });
    }
    this.#lossScale = scale;
    this.#released.push(() => (this.#lossScale = undefined));
  }

  /** Returns the loss scale inside a step; undefined when there is none. */
  get lossScale(): (() => tf.Scalar) | undefined {
    return this.#lossScale;
  }

  updateIf(condition: tf.Scalar | boolean): void {
    if (!this.#running) {
      throw new HooklineError('HKL_OUTSIDE_STEP', 'the update depends on a condition only inside a step', {
        fix: 'Call updateIf() in a tap of gradients',
      });
    }
    this.update.add(condition);
  }

  get updateCondition(): tf.Scalar | undefined {
    return this.update.value;
  }

  random(name: string): StepRandom {
    let random = this.#randoms.get(name);
    if (random === undefined) this.#randoms.set(name, (random = new StepRandom(name, this.#key)));
    return random;
  }

  /** Adds an input or a variant that was made elsewhere. @param name its name in this scope */
  adopt(declared: StepInput | StepVariant, name = declared.name): void {
    if (declared instanceof StepVariant) {
      if (this.#variants.get(name) === declared) return;
      this.#claim('variant', name, this.#variants);
      this.#variants.set(name, declared);
      return;
    }
    if (this.#inputs.get(name) === declared) return;
    this.#claim('input', name, this.#inputs);
    this.#inputs.set(name, declared);
  }

  /** The iteration of the step in progress, or of the next step. */
  get iteration(): number {
    return this.#iteration;
  }

  /** Runs the update of one part. @param part its name; undefined for a model without parts */
  inPart<T>(part: string | undefined, body: () => T): T {
    this.#part = part;
    try {
      return body();
    } finally {
      this.#part = undefined;
    }
  }

  /** All inputs, by name, including the key of the random tensors. */
  inputs(): ReadonlyMap<string, StepInput> {
    return new Map<string, StepInput>([[this.#key.name, this.#key], ...this.#inputs]);
  }

  /** A key of the variants' current values; equal choices give equal keys. */
  variantKey(): string {
    return this.#variants.size === 0
      ? ''
      : JSON.stringify([...this.#variants].map(([name, { value }]) => [name, value]));
  }

  /** All variables of the scope, by name. */
  variables(): ReadonlyMap<string, ScopeVariable> {
    return this.#variables;
  }

  /** Sets the iteration that {@link StepInput.values} and the random tensors use. */
  seek(iteration: number): void {
    this.#iteration = iteration;
  }

  /**
   * Runs `body` as the step of `iteration`. Inside it, host values stay fixed, random tensors are keyed, and tfjs's own
   * random numbers come from the run's seed.
   *
   * @param feeds tensors by name, used in place of inputs
   */
  run<T>(iteration: number, body: () => T, feeds?: ReadonlyMap<string, tf.Tensor>): T {
    this.#iteration = iteration;
    this.#dropReported();
    for (const random of this.#randoms.values()) random.begin();
    this.#hostStream.position = iteration * HOST_WORDS;
    return this.#run(body, feeds);
  }

  /** Continues the step that {@link RunnerScope.run} began with another half, which draws the next random numbers. */
  resume<T>(body: () => T): T {
    return this.#run(body);
  }

  #run<T>(body: () => T, feeds?: ReadonlyMap<string, tf.Tensor>): T {
    if (this.#running) {
      throw new HooklineError('HKL_STEP_NESTED', 'a step begins inside another step', {
        where: `iteration ${this.#iteration}`,
        fix: 'Give every trainer a scope of its own, and run one step at a time',
      });
    }
    this.#running = true;
    try {
      this.#key.begin(feeds?.get(this.#key.name) as tf.Tensor1D | undefined);
      for (const [name, input] of this.#inputs) input.begin(feeds?.get(name));
      for (const variant of this.#variants.values()) variant.begin();
      const { onHostDraw: onHost } = this;
      return withRanks(this.ranks, () =>
        withStepRandomness({ host: this.#hostStream, open: (name) => this.random(name), onHost }, body),
      );
    } catch (error) {
      this.#dropReported();
      throw error;
    } finally {
      this.#running = false;
      this.#key.end();
      for (const input of this.#inputs.values()) input.end();
      for (const variant of this.#variants.values()) variant.end();
    }
  }

  /**
   * Releases the declarations of plugins that are being torn down. They may declare the same inputs, variants and
   * variables when they are set up anew. A variable that is requested again is the same one and keeps its value.
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
    this.update.reset();
  }

  #claim(kind: string, name: string, taken: ReadonlyMap<string, unknown>): void {
    if (!taken.has(name) && name !== this.#key.name) return;
    throw new HooklineError('HKL_STEP_NAME_TAKEN', `there is already a step ${kind} named "${name}"`, {
      fix: "Begin the name with the plugin's name, and with its instance id where there may be several",
    });
  }
}

/** Not exported from the package: plugins receive the facade, through `stepScopeRef`. */
export const runnerScopeRef: WeakServiceRef<RunnerScope> = defineService<RunnerScope>('runnerScope', {
  description: 'runs the steps with what plugins have declared in the step scope',
  weak: true,
});

/** Exposes only the members of {@link StepScope}, so that no plugin can run, seek or dispose of the scope. */
function facadeOf(scope: StepScope): StepScope {
  return Object.freeze<StepScope>({
    input: (name, read) => scope.input(name, read),
    variant: (name, read) => scope.variant(name, read),
    variable: (name, init, options) => scope.variable(name, init, options),
    random: (name) => scope.random(name),
    metric: (name, value) => scope.metric(name, value),
    updateIf: (condition) => scope.updateIf(condition),
    get updateCondition() {
      return scope.updateCondition;
    },
    scaleLoss: (scale) => scope.scaleLoss(scale),
  });
}
