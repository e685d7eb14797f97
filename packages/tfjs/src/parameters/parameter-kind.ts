import type tf from '#tfjs';

/** The kind of a parameter; parameter groups depend on it. */
export type ParameterKind = 'weight' | 'bias' | 'norm';

/** The parameters of a model, for code that needs only their names and kinds. */
export interface NamedParameters {
  /** The model's name, for messages. */
  readonly name: string;
  /** The variables that the optimizer updates, by name, without frozen ones. A shared variable is listed once. */
  trainable(): ReadonlyMap<string, tf.Variable>;
  /**
   * The kind of a variable of `trainable`. By default its name decides: `bias` is a bias, `gamma` and `beta` belong to
   * norms.
   */
  kindOf?(name: string): ParameterKind;
}

/** Returns the kind of a parameter, from the model if it says so, else from the name. */
export function parameterKind(model: Pick<NamedParameters, 'kindOf'>, name: string): ParameterKind {
  return model.kindOf?.(name) ?? kindByName(name);
}

/** Returns the kind that the last part of a name implies: `gamma` and `beta` belong to a norm, and `bias` is a bias. */
export function kindByName(name: string): ParameterKind {
  const last = name.slice(name.lastIndexOf('/') + 1);
  if (last === 'gamma' || last === 'beta') return 'norm';
  return last === 'bias' ? 'bias' : 'weight';
}
