import { z } from 'zod';
import { unwrap } from './apply-overrides.ts';

/** The keys of the section at a path of a schema; none where there is no section. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let section: Readonly<Record<string, z.ZodType>> = shapeOf(schema);
  for (const key of path) section = shapeOf(section[String(key)]);
  return Object.keys(section);
}

function shapeOf(type: z.ZodType | undefined): Readonly<Record<string, z.ZodType>> {
  const inner = type === undefined ? undefined : unwrap(type);
  return inner instanceof z.ZodObject ? (inner.shape) : {};
}
