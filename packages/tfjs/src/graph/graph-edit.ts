import type { GraphRecord, RecordNode, ValueRef } from './graph-record.ts';

/** Collects values that replace others. A replacement may itself be replaced. */
export class Replacements {
  readonly #byNode = new Map<RecordNode, Map<number, ValueRef>>();

  get size(): number {
    return this.#byNode.size;
  }

  set(from: ValueRef, to: ValueRef): void {
    const outputs = this.#byNode.get(from.node) ?? new Map<number, ValueRef>();
    outputs.set(from.index, to);
    this.#byNode.set(from.node, outputs);
  }

  /** The value that replaces `value`, or `value` itself. */
  resolve(value: ValueRef): ValueRef {
    let current = value;
    for (;;) {
      const next = this.#byNode.get(current.node)?.get(current.index);
      if (next === undefined) return current;
      current = next;
    }
  }

  /** Applies the replacements everywhere in the record, then drops the nodes that nothing needs any more. */
  apply(record: GraphRecord): void {
    if (this.#byNode.size > 0) {
      for (const node of record.nodes) {
        node.inputs = node.inputs.map((input) => this.resolve(input));
        if (node.condition !== undefined) node.condition = this.resolve(node.condition);
      }
      for (const [name, value] of record.outputs) record.outputs.set(name, this.resolve(value));
      if (record.guard !== undefined) record.guard = this.resolve(record.guard);
    }
    pruneAndSort(record);
  }
}

/**
 * Drops the nodes that neither an output nor an effect needs, inputs among them, and sorts the others topologically: each
 * comes after what it needs.
 */
export function pruneAndSort(record: GraphRecord): void {
  const done = new Set<RecordNode>();
  const open = new Set<RecordNode>();
  const order: RecordNode[] = [];
  const roots = [
    ...record.effects,
    ...[...record.outputs.values()].map((value) => value.node),
    ...(record.guard === undefined ? [] : [record.guard.node]),
  ];
  // A stack of its own: a deep net's record is deeper than the call stack.
  const stack: { readonly node: RecordNode; next: number; readonly needs: readonly RecordNode[] }[] = [];
  const push = (node: RecordNode): void => {
    if (done.has(node)) return;
    if (open.has(node)) throw new Error(`the record has a cycle through ${node.op}`);
    open.add(node);
    const needs = [...node.inputs.map((input) => input.node), ...node.controls];
    if (node.condition !== undefined) needs.push(node.condition.node);
    stack.push({ node, next: 0, needs });
  };
  for (const root of roots) {
    push(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const need = top.needs[top.next++];
      if (need !== undefined) {
        push(need);
        continue;
      }
      stack.pop();
      open.delete(top.node);
      done.add(top.node);
      order.push(top.node);
    }
  }
  record.nodes = order;
  for (const [name, node] of record.inputs) if (!done.has(node)) record.inputs.delete(name);
  for (const [key, node] of record.reads) if (!done.has(node)) record.reads.delete(key);
  for (const [key, node] of record.variables) if (!done.has(node)) record.variables.delete(key);
}

/** The number of ops of each kind in the record, the most frequent first. */
export function countOps(record: GraphRecord): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of record.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return new Map([...counts].sort(([nameA, a], [nameB, b]) => b - a || nameA.localeCompare(nameB)));
}

/** A node and all that it is computed from. */
export function ancestorsOf(node: RecordNode | undefined): ReadonlySet<RecordNode> {
  const found = new Set<RecordNode>();
  const left = node === undefined ? [] : [node];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const input of next.inputs) left.push(input.node);
  }
  return found;
}
