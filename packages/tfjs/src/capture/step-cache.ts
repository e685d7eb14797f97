import type { HooklineError } from '@hookline/core';
import { captureError } from './capture-errors.ts';
import { compareRecords } from './compare-records.ts';
import { orderEffects } from './effect-order.ts';
import type { Feed } from './feed-plan.ts';
import { guardEffects } from './finite-guard.ts';
import { gateEffects } from './gate-effects.ts';
import { settle } from './graph-edit.ts';
import { copyRecord, type GraphRecord } from './graph-record.ts';
import type { RecordedStep } from './record-step.ts';

/** What is done to a record on its way into the graph. */
export type RecordTransform = (record: GraphRecord) => void;

/** A recorded step in the cache. */
export interface CachedStep {
  /** The name of its record in the session. */
  readonly name: string;
  /** As it was recorded, for comparing. */
  readonly recorded: RecordedStep;
  /** As it stands in the graph. */
  readonly record: GraphRecord;
  /** Keys of the variables that it changes. */
  readonly changes: readonly string[];
  /** Where its inputs come from, once it has run. */
  feeds?: readonly Feed[];
  /** How often it has run captured. */
  runs: number;
}

/** Recorded steps by the signature of their batch and the choices of the host, the one used last at the end. */
export class StepCache {
  readonly #limit: number;
  readonly #transform: RecordTransform;
  readonly #steps = new Map<string, CachedStep>();
  #count = 0;

  constructor(limit: number, transform: RecordTransform) {
    this.#limit = limit;
    this.#transform = transform;
  }

  get size(): number {
    return this.#steps.size;
  }

  get(key: string): CachedStep | undefined {
    const found = this.#steps.get(key);
    if (found !== undefined && this.#steps.size > 1) {
      this.#steps.delete(key);
      this.#steps.set(key, found);
    }
    return found;
  }

  /** Adds a recording, and drops the one whose last use is the longest ago when there are too many. */
  add(key: string, recorded: RecordedStep): CachedStep {
    const record = copyRecord(recorded.record);
    settle(record);
    this.#transform(record);
    guardEffects(record);
    orderEffects(record);
    const changes = record.effects.flatMap(({ inputs }) =>
      inputs.flatMap(({ node }) => (node.variable === undefined ? [] : [node.variable.key])),
    );
    gateEffects(record);
    settle(record);
    const step: CachedStep = {
      name: `step${this.#count++}`,
      recorded,
      record,
      changes: [...new Set(changes)],
      runs: 0,
    };
    this.#steps.set(key, step);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > this.#limit && oldest !== undefined) this.#steps.delete(oldest);
    return step;
  }

  delete(key: string): void {
    this.#steps.delete(key);
  }

  values(): IterableIterator<CachedStep> {
    return this.#steps.values();
  }

  clear(): void {
    this.#steps.clear();
  }
}

/** Whether a run is one before which the step is recorded again and compared: the second, then ever more rarely. */
export const isAuditRun = (runs: number): boolean => runs === 1 || runs === 10 || runs === 100 || runs % 1000 === 0;

/** Compares a new recording with the cached one, and says how long the difference may have gone unnoticed. */
export function auditStep(step: CachedStep, again: RecordedStep): HooklineError | undefined {
  const difference = compareRecords(step.recorded.record, again.record);
  if (difference === undefined || step.runs <= 1) return difference;
  return captureError(
    difference.code as 'HKL_CAPTURE_HOST_VALUE',
    `${difference.message} The step has run ${step.runs} times with the first of the two`,
    {},
    { cause: difference, fix: difference.fix },
  );
}
