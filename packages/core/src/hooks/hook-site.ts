import type { HooklineError } from '../errors.ts';
import { Waits } from './waits.ts';

/** Told when a tap is entered and left; for profilers and leak detectors. An async tap is left when its promise settles. */
export interface TapObserver {
  enter(plugin: string, hook: string): void;
  leave(plugin: string, hook: string): void;
}

/**
 * What all hooks of one trainer share: the iteration for error messages, who watches the taps, and which of them are
 * awaited. It holds no reference to the trainer.
 */
export class HookSite {
  /** The iteration in progress, undefined outside of training. */
  iteration: number | undefined = undefined;
  /** The one observer that taps report to; undefined costs one comparison per tap. */
  observer: TapObserver | undefined = undefined;
  /** Taps, and whatever else the training waits for. */
  readonly waits = new Waits();
  /**
   * Called after every tap: checks that the tap has not disposed what the training needs, such as the tensors of the
   * batch and the weights, and returns an error where it has. Undefined costs one comparison per tap.
   */
  tapCheck: ((hook: string) => HooklineError | undefined) | undefined = undefined;
  #observers: readonly TapObserver[] = [];

  /** Adds an observer; returns the function that removes it again. */
  observe(observer: TapObserver): () => void {
    this.#observers = [...this.#observers, observer];
    this.#combine();
    return () => {
      this.#observers = this.#observers.filter((each) => each !== observer);
      this.#combine();
    };
  }

  #combine(): void {
    const all = this.#observers;
    if (all.length <= 1) {
      this.observer = all[0];
      return;
    }
    // The last to enter is the first to leave, so that nested measurements enclose one another.
    const reversed = [...all].reverse();
    this.observer = {
      enter: (plugin, hook) => {
        for (const each of all) each.enter(plugin, hook);
      },
      leave: (plugin, hook) => {
        for (const each of reversed) each.leave(plugin, hook);
      },
    };
  }
}
