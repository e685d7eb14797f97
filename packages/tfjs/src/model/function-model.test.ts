import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from './function-model.ts';
import { parameterKind } from '../parameters/parameter-kind.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const loss = (): tf.Scalar => tf.scalar(0);

it('keeps trainable variables apart from state', () => {
  const w = tf.variable(tf.scalar(1));
  const average = tf.variable(tf.scalar(1), false);
  const model = functionModel({ variables: { w, average }, losses: loss });
  expect([...model.trainable()]).toEqual([['w', w]]);
  expect([...model.state()]).toEqual([['average', average]]);
});

it('tells its functions whether it is in training', () => {
  const w = tf.variable(tf.scalar(1));
  const seen: boolean[] = [];
  const model = functionModel({
    variables: { w },
    losses: (_, training) => {
      seen.push(training);
      return loss();
    },
    predict: (_: tf.Tensor, training) => {
      seen.push(training);
    },
  });
  model.losses(undefined);
  model.training = false;
  model.losses(undefined);
  model.predict?.(w);
  expect(seen).toEqual([true, false, false]);
});

it('takes the kind of a variable from its name or from kinds', () => {
  const variable = (): tf.Variable => tf.variable(tf.scalar(1));
  const variables = {
    'a/bias': variable(),
    'a/gamma': variable(),
    beta: variable(),
    bias_like: variable(),
    scale: variable(),
  };
  const model = functionModel({ variables, losses: loss, kinds: { scale: 'norm' } });
  expect(Object.keys(variables).map((name) => parameterKind(model, name))).toEqual([
    'bias',
    'norm',
    'norm',
    'weight',
    'norm',
  ]);
});

it('refuses a value that is not a variable, and one variable under two names', () => {
  const w = tf.variable(tf.scalar(1));
  expect(() => functionModel({ variables: { w: tf.scalar(1) as never }, losses: loss })).toThrow(
    '"w" is no tf.Variable',
  );
  expect(() => functionModel({ variables: { w, v: w }, losses: loss })).toThrow('"v" and "w" are the same variable');
});
