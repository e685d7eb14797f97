/** Told when a tap is entered and left; for profilers and leak detectors. An async tap is left when its promise settles. */
export interface TapObserver {
  enter(plugin: string, hook: string): void;
  leave(plugin: string, hook: string): void;
}

/**
 * What all hooks of one trainer share: the iteration for error messages and who watches the taps.
 * It holds no reference to the trainer.
 */
export class HookSite {
  /** The iteration in progress, undefined outside of training. */
  iteration: number | undefined = undefined;
  /** The one observer that taps report to; undefined costs one comparison per tap. */
  observer: TapObserver | undefined = undefined;
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
