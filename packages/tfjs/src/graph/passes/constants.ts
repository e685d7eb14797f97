import { createHash } from 'node:crypto';
import { bytesOf } from '../graph-def.ts';
import { Replacements } from '../graph-edit.ts';
import { specOf, valueOf, type ValueRef } from '../graph-record.ts';
import { DataType } from '../../device/native-backend.ts';
import type { GraphPass } from './graph-pass.ts';

/** Merges constants of equal values: tfjs makes new shapes, axes and scalars for every op. */
export const constants: GraphPass = {
  name: 'constants',
  run(record) {
    const replaced = new Replacements();
    const known = new Map<string, ValueRef>();
    for (const node of record.nodes) {
      if (node.constant === undefined || node.controls.length > 0) continue;
      const { shape, dtype } = specOf(valueOf(node));
      if (dtype === DataType.string) continue;
      const digest = createHash('sha256').update(bytesOf(node.constant)).digest('base64');
      const key = `${dtype} ${shape.join()} ${digest}`;
      const first = known.get(key);
      if (first === undefined) known.set(key, valueOf(node));
      else replaced.set(valueOf(node), first);
    }
    replaced.apply(record);
  },
};
