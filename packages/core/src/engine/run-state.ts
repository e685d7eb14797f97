import { EpochClock, type Period } from '../services/epochs.ts';
import type { HookSite } from '../hooks/hook-site.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { StepContext } from '../step-runner.ts';

/** The progress of a training. The storage and the hooks' error messages follow it. */
export class RunState {
  startIteration = 0;
  /** Where the training ends. */
  end: Period;
  readonly epochs: EpochClock = new EpochClock();
  readonly #storage: EventStorage;
  readonly #site: HookSite;
  #iteration = 0;
  #stepDone = false;

  constructor(end: Period, storage: EventStorage, site: HookSite) {
    this.end = end;
    this.#storage = storage;
    this.#site = site;
  }

  /** Iteration at which training ends (exclusive); Infinity while an end in epochs is not known. */
  get maxIterations(): number {
    return this.epochs.until(this.end);
  }

  /** 0-based iteration in progress; equals maxIterations after a complete training. */
  get iteration(): number {
    return this.#iteration;
  }

  set iteration(value: number) {
    this.#iteration = value;
    this.#stepDone = false;
    this.#storage.iteration = value;
    this.#site.iteration = value;
  }

  /** How many steps are done: the iteration at which a checkpoint saved now resumes. */
  get done(): number {
    return this.#stepDone ? this.#iteration + 1 : this.#iteration;
  }

  /** Begins a training where the last one ended. Where that one failed after its step, the step is not repeated. */
  begin(): void {
    this.iteration = this.done;
    this.startIteration = this.#iteration;
  }

  /** The context of the step in progress, for its hooks. */
  context(): StepContext {
    return { iteration: this.#iteration, startIteration: this.startIteration, maxIterations: this.maxIterations };
  }

  /** The arithmetic of this iteration is done; its host work begins. */
  markStepDone(): void {
    this.#stepDone = true;
  }
}
