import type tf from '#tfjs';

/** What a parameter is for; parameter groups go by it. */
export type ParameterKind = 'weight' | 'bias' | 'norm';

/** The parameters of a model, for whoever only goes by their names. */
export interface NamedParameters {
  /** Of the model, for messages. */
  readonly name: string;
  /** What the optimizer updates, by name; frozen variables are not among them. A shared variable is there once. */
  trainable(): ReadonlyMap<string, tf.Variable>;
  /** What a variable of `trainable` is for; without it, its name decides: `bias`, or `gamma` and `beta` for norms. */
  kindOf?(name: string): ParameterKind;
}

/** What a parameter is for, from the model or else from its name. */
export function parameterKind(model: Pick<NamedParameters, 'kindOf'>, name: string): ParameterKind {
  return model.kindOf?.(name) ?? kindByName(name);
}

/** What the last part of a name says: `gamma` and `beta` belong to a norm, `bias` is a bias. */
export function kindByName(name: string): ParameterKind {
  const last = name.slice(name.lastIndexOf('/') + 1);
  if (last === 'gamma' || last === 'beta') return 'norm';
  return last === 'bias' ? 'bias' : 'weight';
}
