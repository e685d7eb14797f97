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
  /** Where the random tensors' keys come from: a stream of the run, or a seed. @default 0 */
  readonly random?: RandomStream | number;
  /** What the steps share with other ranks. @default nothing: a single process */
  readonly ranks?: StepRanks;
}

const KEY_WORDS = 2;
/** Draws of `Math.random` that one step may make before its numbers meet those of the next. */
const HOST_WORDS = 2 ** 22;

/**
 * The scope of a training's steps as whoever runs them has it: a step runner, the trainer, or the loop of a step of one's own.
 * It declares what {@link StepScope} offers, runs the steps with it, and tells what there is. Plugins, models and optimizers get
 * {@link RunnerScope.facade}.
 */
export class RunnerScope implements StepScope {
  readonly #inputs = new Map<string, StepInput>();
  readonly #variants = new Map<string, StepVariant>();
  readonly #variables = new Map<string, ScopeVariable>();
  readonly #randoms = new Map<string, StepRandom>();
  readonly #metrics = new Map<string, tf.Scalar>();
  /** Variables of plugins that were torn down, until they are asked for again. */
  #kept = new Map<string, ScopeVariable>();
  #released: (() => void)[] = [];
  readonly #keyStream: RandomStream;
  readonly #hostStream: RandomStream;
  readonly #key: StepInput<tf.Tensor1D>;
  #lossScale: (() => tf.Scalar) | undefined;
  #iteration = 0;
  #part: string | undefined;
  /** Is told of each random number that the step makes on the host. */
  onHostDraw: (() => void) | undefined;
  #running = false;
  /** What the steps share with other ranks. */
  readonly ranks: StepRanks;
  /** Whether the step in progress, or the part that it is updating, makes its update. */
  readonly update = new UpdateCondition();
  /** The half of it that plugins, models and optimizers may use. */
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

  /** What the step that ran last has reported. Whoever takes it disposes it. */
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

  /** The scale of the loss, where there is one. */
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

  /** Takes over an input or a variant that was made elsewhere. @param name here */
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

  /** The iteration of the step in progress, or of the next one. */
  get iteration(): number {
    return this.#iteration;
  }

  /** Runs what updates one of several parts. @param part its name; undefined where there are no parts */
  inPart<T>(part: string | undefined, body: () => T): T {
    this.#part = part;
    try {
      return body();
    } finally {
      this.#part = undefined;
    }
  }

  /** All inputs, by name; the key of the random tensors is among them. */
  inputs(): ReadonlyMap<string, StepInput> {
    return new Map<string, StepInput>([[this.#key.name, this.#key], ...this.#inputs]);
  }

  /** What the variants say now, equal for equal choices. */
  variantKey(): string {
    return this.#variants.size === 0
      ? ''
      : JSON.stringify([...this.#variants].map(([name, { value }]) => [name, value]));
  }

  /** All variables of the scope, by name. */
  variables(): ReadonlyMap<string, ScopeVariable> {
    return this.#variables;
  }

  /** Sets the iteration that {@link StepInput.values} and the random tensors go by. */
  seek(iteration: number): void {
    this.#iteration = iteration;
  }

  /**
   * Runs `body` as the step of `iteration`. Host values stand still, random tensors are keyed, and
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

  /** Runs another half of the step that {@link RunnerScope.run} began, with the random numbers that follow. */
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
   * The plugins that asked for inputs, variants and variables are being torn down, and may ask again
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
    this.update.reset();
  }

  #claim(kind: string, name: string, taken: ReadonlyMap<string, unknown>): void {
    if (!taken.has(name) && name !== this.#key.name) return;
    throw new HooklineError('HKL_STEP_NAME_TAKEN', `there is already a step ${kind} named "${name}"`, {
      fix: "Begin the name with the plugin's name, and with its instance id where there may be several",
    });
  }
}

/** Not exported from the package: plugins are given the facade, by `stepScopeRef`. */
export const runnerScopeRef: WeakServiceRef<RunnerScope> = defineService<RunnerScope>('runnerScope', {
  description: 'runs the steps with what plugins have declared in the step scope',
  weak: true,
});

/** What {@link StepScope} lists of a scope and nothing else, so that no plugin can run, seek or dispose of it. */
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
