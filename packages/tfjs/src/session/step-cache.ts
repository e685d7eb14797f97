import type { HooklineError } from '@hookline/core';
import { withSentence } from '../graph/capture-errors.ts';
import { compareRecords, isOtherTensor } from '../recording/compare-records.ts';
import { gateEffects, guardEffects, orderEffects } from '../graph/effects.ts';
import type { Feed } from '../recording/feed-plan.ts';
import { settle } from '../graph/graph-edit.ts';
import { copyRecord, type GraphRecord } from '../graph/graph-record.ts';
import { keepActivations } from '../graph/keep-activations.ts';
import type { NativeBackend } from '../device/native-backend.ts';
import type { RecordedStep } from '../recording/record-step.ts';

/** What is done to a record on its way into the graph. */
export type RecordTransform = (record: GraphRecord) => void;

/** A recorded step in the cache. */
export interface CachedStep {
  readonly key: string;
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
  /** How many of its runs, from the first one on, a comparison has shown to be right. */
  proven: number;
}

/** A key whose step is not kept, and how often it has come since the step that would make room was used last. */
interface Absent {
  uses: number;
  since: number;
}

/** After so many uses during which another step had none, a step that is not kept takes the other's place. */
const PATIENCE = 16;
/** The graphs that are kept where nobody has said how many: so many, and more of them while they are small. */
const FEWEST = 8;
const MOST = 32;
/** So many nodes count as small in all; adding a graph loads the others anew, at some 0.15 ms a node. */
const SMALL = 8000;
/** How many absent keys are remembered. */
const MOST_ABSENT = 256;

/** Recorded steps by their keys, the one used last at the end. */
export class StepCache {
  readonly #limit: number | undefined;
  readonly #transform: RecordTransform;
  readonly #steps = new Map<string, CachedStep>();
  /** Keys of batches that differ from a kept step's in nothing that the step uses. */
  readonly #aliases = new Map<string, CachedStep>();
  readonly #lastUse = new Map<CachedStep, number>();
  readonly #absent = new Map<string, Absent>();
  #count = 0;
  #clock = 0;

  /** @param limit how many steps are kept; by default eight, or up to 32 where these have less than 8000 nodes in all */
  constructor(limit: number | undefined, transform: RecordTransform) {
    this.#limit = limit;
    this.#transform = transform;
  }

  get size(): number {
    return this.#steps.size;
  }

  /** Whether a further step takes the place of another. */
  get isFull(): boolean {
    if (this.#limit !== undefined || this.size < FEWEST) return this.size >= (this.#limit ?? FEWEST);
    if (this.size >= MOST) return true;
    let nodes = 0;
    for (const { record } of this.#steps.values()) nodes += record.nodes.length;
    return nodes >= SMALL;
  }

  /** The step of this key, for use. */
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

  /** The step of this key, without counting as a use. */
  peek(key: string): CachedStep | undefined {
    return this.#steps.get(key) ?? this.#aliases.get(key);
  }

  /** Lets another key mean a step that is kept. */
  alias(key: string, step: CachedStep): void {
    this.#aliases.set(key, step);
  }

  /**
   * Whether a step that is not kept should be: there is room, or it has come often while another was not used. So shapes that
   * take turns do not push each other out, which would cost more than running some eagerly.
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

  /** Adds a recording, and drops the one whose last use is the longest ago when there are too many. */
  add(key: string, recorded: RecordedStep): CachedStep {
    const { isFull } = this;
    const record = copyRecord(recorded.record);
    settle(record);
    this.#transform(record);
    keepActivations(record);
    guardEffects(record);
    orderEffects(record);
    const changes = record.effects.flatMap(({ inputs }) =>
      inputs.flatMap(({ node }) => (node.variable === undefined ? [] : [node.variable.key])),
    );
    gateEffects(record);
    settle(record);
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

/** Ops from which on recording a step takes seconds, so that it is compared more rarely. */
const LARGE = 5000;

/**
 * Whether a run is one before which the step is recorded again and compared: the first four and the powers of two, then every
 * 1000th; for a step of thousands of ops, which takes as long to record as dozens of captured runs, the powers of eight,
 * then every 4096th.
 */
export function isAuditRun(runs: number, ops: number): boolean {
  if (runs === 0) return false;
  if (ops > LARGE) return runs % 4096 === 0 || (runs < 4096 && Number.isInteger(Math.log2(runs) / 3));
  return runs <= 4 || runs % 1000 === 0 || (runs < 1000 && Number.isInteger(Math.log2(runs)));
}

/** Whether a tensor from outside of the step is gone, so that the step must be using another by now. */
export const isOutdated = (step: CachedStep, { tensorMap }: NativeBackend): boolean =>
  step.record.nodes.some(({ outside }) => outside?.dataId !== undefined && !tensorMap.has(outside.dataId));

/**
 * Compares a new recording with the cached one before a run, and says how many runs may have gone by since the difference
 * came about. None have where the run before was preceded by a comparison too, or where another tensor has taken the place of
 * one that is gone since then.
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
