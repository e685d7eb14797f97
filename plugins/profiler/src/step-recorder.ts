import type { StepContext, StepOutput, TapObserver } from '@hookline/core';
import { type Span, type SpanTotal, TapTimes } from './tap-times.ts';
import type { Trace } from './trace.ts';

const STEP = 'step';
const RUNNER = 'step runner';
const DATA = 'waiting for data';

/**
 * Splits measured steps into waiting for data, the step runner (forward, backward and update, without taps)
 * and the taps of each plugin. The runner's time is from the end of the last `beforeStep` tap to the first `afterStep` tap.
 */
export class StepRecorder implements TapObserver {
  readonly #trace: Trace;
  readonly #times: TapTimes;
  #active = false;
  #iteration = 0;
  #start = 0;
  #end = 0;
  #steps = 0;
  #waits = 0;
  #waited = 0;
  /** Spans of `beforeStep` taps that ran before it was known which step starts. */
  #ahead: Span[] = [];
  #isAhead = false;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#times = new TapTimes((span) => this.#record(span));
  }

  /** Number of completely measured steps. */
  get steps(): number {
    return this.#steps;
  }

  /** Where the time of all measured steps went. */
  get totals(): readonly SpanTotal[] {
    const totals = this.#times.totals.map((total) =>
      total.owner === STEP ? { ...total, self: Math.max(0, total.self - this.#waited) } : total,
    );
    return this.#waits === 0
      ? totals
      : [...totals, { owner: STEP, part: DATA, calls: this.#waits, self: this.#waited }];
  }

  enter(plugin: string, hook: string): void {
    if (hook === 'beforeStep') {
      if (this.#end > this.#start) this.#isAhead = true;
      this.#times.discard(STEP, RUNNER);
    } else if (hook === 'afterStep') this.#times.leave(STEP, RUNNER);
    this.#times.enter(plugin, hook);
  }

  leave(plugin: string, hook: string): void {
    if (!this.#active) return;
    if (hook === 'beforeStep') this.#times.discard(STEP, RUNNER);
    this.#times.leave(plugin, hook);
    if (hook === 'beforeStep') this.#times.enter(STEP, RUNNER);
    else if (hook === 'afterStep') this.#end = performance.now();
  }

  /** Starts a measured step; called within `beforeStep`. */
  begin({ iteration }: StepContext): void {
    this.#finishStep();
    this.#active = true;
    this.#iteration = iteration;
    this.#start = this.#ahead[0]?.start ?? performance.now();
    this.#isAhead = false;
    for (const span of this.#ahead.splice(0)) this.#record(span);
    // Assume that no other plugin taps beforeStep; another tap corrects this.
    this.#times.enter(STEP, RUNNER);
  }

  /** Ends the step itself; called within `afterStep`. */
  stepDone({ dataTime }: StepOutput): void {
    this.#steps++;
    if (dataTime === undefined) return;
    this.#waits++;
    this.#waited += dataTime * 1000;
  }

  /** Ends the measurement. */
  stop(): void {
    this.#finishStep();
    this.#times.abandon();
    this.#active = this.#isAhead = false;
    this.#ahead = [];
  }

  #finishStep(): void {
    if (this.#end <= this.#start) return;
    const span = {
      owner: STEP,
      part: `step ${this.#iteration}`,
      start: this.#start,
      duration: this.#end - this.#start,
    };
    this.#trace.add(STEP, span, this.#iteration);
    this.#start = this.#end;
  }

  #record(span: Span): void {
    if (this.#isAhead) {
      this.#ahead.push(span);
      return;
    }
    this.#trace.add(span.owner === STEP ? STEP : 'plugins', span, this.#iteration);
  }
}
