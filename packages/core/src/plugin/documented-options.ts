import type { z } from 'zod';

/** The options as a caller may write them: an option that may be left out may also be undefined. */
export type OptionsInput<Options> = {
  [Name in keyof Options]: Record<never, never> extends Pick<Options, Name> ? Options[Name] | undefined : Options[Name];
};

/** Names of the options that may be left out. */
type LeftOut<Options> = {
  [Name in keyof Options]-?: Record<never, never> extends Pick<Options, Name> ? Name : never;
}[keyof Options];

/** What the schema and the interface must agree on: the names of the options, and which of them may be left out. */
type Names<Options> = readonly [all: keyof Options, leftOut: LeftOut<Options>];

/** The type of the schema where its names are those of the interface; otherwise a type that no value has. */
type SameNames<Options, Schema extends z.ZodType> = [Names<Options>, Names<z.input<Schema>>] extends [
  Names<z.input<Schema>>,
  Names<Options>,
]
  ? Schema
  : { readonly 'the schema and the interface name different options, or others may be left out': never };

/**
 * Ties a schema of options to the interface that documents them. What zod infers from a schema has no comments; a factory
 * made from the result takes the interface, so that an editor shows the comment of each option. The compiler compares the
 * names and types of the two; at run time this is the schema.
 *
 * @example
 * export interface PulseOptions {
 *   // Here a comment that documents it.
 *   readonly period?: number;
 * }
 * export const pulseSchema = documentedOptions<PulseOptions>()(
 *   z.strictObject({ period: z.int().positive().default(10) }),
 * );
 */
export function documentedOptions<Options extends object>(): <Schema extends z.ZodType<unknown, OptionsInput<Options>>>(
  schema: SameNames<Options, Schema>,
) => z.ZodType<z.output<Schema>, OptionsInput<Options>> {
  return (schema) => schema as never;
}
