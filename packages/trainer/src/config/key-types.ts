import { z } from 'zod';

/** A type without its wrappers for optional values and defaults. */
export function unwrap(type: z.ZodType): z.ZodType {
  if (
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodDefault ||
    type instanceof z.ZodOptional ||
    type instanceof z.ZodNullable
  ) {
    return unwrap(type.unwrap() as z.ZodType);
  }
  return type;
}

/** The types of the keys of a section; undefined if the type is not a section. */
export function sectionOf(type: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = unwrap(type);
  return inner instanceof z.ZodObject ? inner.shape : undefined;
}

/** The keys of the section at a path; empty if there is no section. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: z.ZodType | undefined = schema;
  for (const key of path) at = at === undefined ? undefined : sectionOf(at)?.[String(key)];
  return Object.keys((at === undefined ? undefined : sectionOf(at)) ?? {});
}
