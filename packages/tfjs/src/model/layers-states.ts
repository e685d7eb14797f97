import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import { nameWeights, nestedLayers } from './layer-names.ts';

/** A recurrent layer of tf.layers that starts each batch with the final state of the previous batch. */
interface StatefulLayer extends Omit<tf.layers.Layer, 'resetStates'> {
  states_: tf.Tensor[] | null;
  keptStates?: tf.Tensor[][];
  resetStates(states?: tf.Tensor | tf.Tensor[] | null, training?: boolean): void;
}

/** The layers that already have variables for their state: a model may be made trainable twice. */
const STATES = new WeakMap<object, readonly tf.Variable[]>();

/**
 * Makes the stateful recurrent layers of a model keep their state in variables, with names like `lstm_1/state_1`, so
 * that it is saved and restored like any other state. `resetStates` of the layer and of the model work as before.
 */
export function layersStates(model: tf.LayersModel): ReadonlyMap<string, tf.Variable> {
  const names = new Map(nameWeights(model).map(({ name, variable }) => [variable as tf.Tensor, name]));
  const states = new Map<string, tf.Variable>();
  for (const layer of nestedLayers(model.layers)) {
    if (!isStateful(layer)) continue;
    const [weight] = (layer as unknown as tf.layers.Layer).weights;
    const name = (weight === undefined ? undefined : names.get(weight.read()))?.replace(/\/[^/]*$/, '') ?? layer.name;
    stateVariables(layer).forEach((variable, place) => states.set(`${name}/state_${place + 1}`, variable));
  }
  return states;
}

function isStateful(layer: tf.layers.Layer): layer is tf.layers.Layer & StatefulLayer {
  const { stateful, states_: states } = layer as { readonly stateful?: boolean; readonly states_?: unknown };
  return stateful === true && Array.isArray(states);
}

function stateVariables(layer: StatefulLayer): readonly tf.Variable[] {
  const known = STATES.get(layer);
  if (known !== undefined) return known;
  const before = layer.states_ as tf.Tensor[];
  const variables = before.map((state) => tf.variable(state, false));
  tf.dispose([before, layer.keptStates ?? []]);
  layer.keptStates = [];
  layer.states_ = [...variables];
  layer.resetStates = (states) => {
    const values = states === undefined || states === null ? undefined : Array.isArray(states) ? states : [states];
    if (values !== undefined && values.length !== variables.length) {
      throw new HooklineError('HKL_LAYER_STATES', `${values.length} states are given, and it has ${variables.length}`, {
        who: `layer "${layer.name}"`,
        fix: 'Give resetStates one tensor for each state, or nothing for zeros',
      });
    }
    tf.tidy(() => {
      variables.forEach((variable, place) => {
        variable.assign(values?.[place] ?? tf.zeros(variable.shape, variable.dtype));
      });
    });
  };
  STATES.set(layer, variables);
  return variables;
}
