import type { HooklineError } from '@hookline/core';
import { withSentence } from '../graph/capture-errors.ts';
import { compareRecords, isOtherTensor } from '../recording/compare-records.ts';
import { gateEffects, guardEffects, orderEffects } from '../graph/effects.ts';
import type { Feed } from '../recording/feed-plan.ts';
import { pruneAndSort } from '../graph/graph-edit.ts';
import { copyRecord, type GraphRecord } from '../graph/graph-record.ts';
import { keepActivations } from '../graph/keep-activations.ts';
import type { NativeBackend } from '../device/native-backend.ts';
import type { RecordedStep } from '../recording/record-step.ts';

/** Changes a record in place before it becomes part of the graph, such as by passes. */
export type RecordTransform = (record: GraphRecord) => void;

/** A recorded step in the cache. */
export interface CachedStep {
  readonly key: string;
  /** The name of its record in the session. */
  readonly name: string;
  /** The recording, kept for comparison with later ones. */
  readonly recorded: RecordedStep;
  /** The record as it is in the graph, after the passes. */
  readonly record: GraphRecord;
  /** The keys of the variables that the step changes. */
  readonly changes: readonly string[];
  /** The sources of its inputs; undefined before the first run. */
  feeds?: readonly Feed[];
  /** The number of captured runs. */
  runs: number;
  /** The number of runs, counted from the first, that a comparison has shown to be right. */
  proven: number;
}

/** A key without a kept step: the number of its uses since the time `since`, after which the oldest kept step was not used. */
interface Absent {
  uses: number;
  since: number;
}

/** A step that is not kept replaces the oldest kept step after this many uses during which the oldest was not used. */
const PATIENCE = 16;
/** Without a limit, this many graphs are kept, and up to `MOST` while they are small. */
const FEWEST = 8;
const MOST = 32;
/** Below this many nodes in all, graphs count as small. Adding a graph reloads all others, at about 0.15 ms per node. */
const SMALL = 8000;
/** The most absent keys that are remembered. */
const MOST_ABSENT = 256;

/** A cache of recorded steps by key, ordered from the least to the most recently used. */
export class StepCache {
  readonly #limit: number | undefined;
  readonly #transform: RecordTransform;
  readonly #steps = new Map<string, CachedStep>();
  /** Further keys of kept steps, for batches that differ only in values on which the step does not depend. */
  readonly #aliases = new Map<string, CachedStep>();
  readonly #lastUse = new Map<CachedStep, number>();
  readonly #absent = new Map<string, Absent>();
  #count = 0;
  #clock = 0;

  /** @param limit the most steps to keep; undefined: 8, or up to 32 while they have fewer than 8000 nodes in all */
  constructor(limit: number | undefined, transform: RecordTransform) {
    this.#limit = limit;
    this.#transform = transform;
  }

  get size(): number {
    return this.#steps.size;
  }

  /** Whether adding a step would replace another. */
  get isFull(): boolean {
    if (this.#limit !== undefined || this.size < FEWEST) return this.size >= (this.#limit ?? FEWEST);
    if (this.size >= MOST) return true;
    let nodes = 0;
    for (const { record } of this.#steps.values()) nodes += record.nodes.length;
    return nodes >= SMALL;
  }

  /** Returns the step of this key and counts a use of it. */
  get(key: string): CachedStep | undefined {
    const found = this.peek(key);
    this.#clock++;
    if (found === undefined) return undefined;
    this.#lastUse.set(found, this.#clock);
    if (this.#steps.size > 1) {
      this.#steps.delete(found.key);
      this.#steps.set(found.key, found);
    }
    return found;
  }

  /** Returns the step of this key without counting a use. */
  peek(key: string): CachedStep | undefined {
    return this.#steps.get(key) ?? this.#aliases.get(key);
  }

  /** Makes `key` a further key of a kept step. */
  alias(key: string, step: CachedStep): void {
    this.#aliases.set(key, step);
  }

  /**
   * Whether a step that is not kept should be added: there is room, or it was used often while the oldest kept step was not.
   * This way shapes that alternate do not evict each other, which would cost more than running some of them eagerly. Counts a
   * use of the key where there is no room.
   */
  admits(key: string): boolean {
    if (!this.isFull) return true;
    const [oldest] = this.#steps.values();
    const lastUse = oldest === undefined ? 0 : (this.#lastUse.get(oldest) ?? 0);
    const absent = this.#absent.get(key) ?? { uses: 0, since: this.#clock };
    if (lastUse > absent.since) Object.assign(absent, { uses: 0, since: this.#clock });
    absent.uses++;
    this.#absent.delete(key);
    this.#absent.set(key, absent);
    const [first] = this.#absent.keys();
    if (this.#absent.size > MOST_ABSENT && first !== undefined) this.#absent.delete(first);
    return absent.uses >= PATIENCE;
  }

  /** Adds a recording, prepared for the graph, and drops the least recently used step where the cache is full. */
  add(key: string, recorded: RecordedStep): CachedStep {
    const { isFull } = this;
    const record = copyRecord(recorded.record);
    pruneAndSort(record);
    this.#transform(record);
    keepActivations(record);
    guardEffects(record);
    orderEffects(record);
    const changes = record.effects.flatMap(({ inputs }) =>
      inputs.flatMap(({ node }) => (node.variable === undefined ? [] : [node.variable.key])),
    );
    gateEffects(record);
    pruneAndSort(record);
    const step: CachedStep = {
      key,
      name: `step${this.#count++}`,
      recorded,
      record,
      changes: [...new Set(changes)],
      runs: 0,
      proven: 1,
    };
    this.#steps.set(key, step);
    this.#lastUse.set(step, this.#clock);
    this.#absent.delete(key);
    const [oldest] = this.#steps.keys();
    if (isFull && oldest !== undefined) this.delete(oldest);
    return step;
  }

  delete(key: string): void {
    const step = this.#steps.get(key);
    if (step === undefined) return;
    this.#steps.delete(key);
    this.#lastUse.delete(step);
    for (const [alias, other] of this.#aliases) if (other === step) this.#aliases.delete(alias);
    step.recorded.free();
  }

  values(): IterableIterator<CachedStep> {
    return this.#steps.values();
  }

  clear(): void {
    for (const key of [...this.#steps.keys()]) this.delete(key);
    this.#absent.clear();
  }
}

/** A step of more ops than this takes seconds to record, so it is compared more rarely. */
const LARGE = 5000;

/**
 * Whether the step is recorded again and compared before its next run.
 *
 * That is so after 1 to 4 runs, after each power of two below 1000, and then after every 1000 runs. A step of more than 5000
 * ops, which takes as long to record as dozens of captured runs, is compared after each power of eight below 4096, then after
 * every 4096 runs.
 *
 * @param runs the number of runs so far
 * @param ops the number of recorded ops
 */
export function isAuditRun(runs: number, ops: number): boolean {
  if (runs === 0) return false;
  if (ops > LARGE) return runs % 4096 === 0 || (runs < 4096 && Number.isInteger(Math.log2(runs) / 3));
  return runs <= 4 || runs % 1000 === 0 || (runs < 1000 && Number.isInteger(Math.log2(runs)));
}

/** Whether a tensor from outside of the step was disposed of, so the step must be using another one by now. */
export const isOutdated = (step: CachedStep, { tensorMap }: NativeBackend): boolean =>
  step.record.nodes.some(({ outside }) => outside?.dataId !== undefined && !tensorMap.has(outside.dataId));

/**
 * Compares a new recording with the cached one before a run.
 *
 * @param isReplaced whether a tensor from outside of the step is gone; see `isOutdated`
 * @returns undefined where they are the same; otherwise the error. It says how many past runs may have been wrong, unless none
 *   were: the previous run was compared too, or another tensor has just replaced one that is gone
 */
export function auditStep(step: CachedStep, again: RecordedStep, isReplaced: boolean): HooklineError | undefined {
  const error = compareRecords(step.recorded.record, again.record);
  const unproven = step.runs - step.proven;
  if (error === undefined) {
    step.proven = step.runs + 1;
    return undefined;
  }
  if (unproven <= 0 || (isReplaced && isOtherTensor(error))) return error;
  return withSentence(
    error,
    `Of the ${step.runs} steps that have run with the first of the two, the last ${unproven} may have been wrong`,
  );
}
