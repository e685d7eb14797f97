import { adam, functionModel, tf } from '@hookline/tfjs';
import {
  crossEntropy,
  integers,
  layersFamily,
  numbers,
  oneHot,
  plainSgd,
  squaredError,
  weight,
  type Family,
} from './family.ts';

const ROWS = 8;
const { layers } = tf;
const WORDS = 50;

const series = (steps: number, channels: number) => (seed: number) => ({
  x: numbers([ROWS, steps, channels], seed),
  y: numbers([ROWS, 2], seed + 1000),
});
const recurrent = (name: string, first: () => tf.layers.Layer, hasFit = true): Family =>
  layersFamily({
    name,
    net: () => tf.sequential({ layers: [first(), layers.dense({ units: 2 })] }),
    batch: series(8, 4),
    loss: squaredError,
    hasFit,
  });
/** Makes batches of word ids [8, steps] that are at least `from`, with one-hot targets [8, 3]. */
const text =
  (steps: number, from = 0) =>
  (seed: number) => ({
    x: integers([ROWS, steps], WORDS, seed, from),
    y: oneHot(ROWS, 3, seed + 1000),
  });

const normed = (x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor => {
  const { mean, variance } = tf.moments(x, -1, true);
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(gain).add(bias);
};

/** A transformer: two blocks with two attention heads each, on embeddings of words and positions. */
function transformer(): Family {
  const [width, heads, steps] = [16, 2, 12];
  const build = () => {
    const variables: Record<string, tf.Variable> = {
      words: weight([WORDS, width], 1),
      places: weight([steps, width], 2),
      head: weight([width, WORDS], 3),
    };
    for (const block of [0, 1]) {
      for (const [place, name] of ['query', 'key', 'value', 'out'].entries())
        variables[`${block}/${name}`] = weight([width, width], 10 * block + place + 10, 0.3);
      variables[`${block}/wide`] = weight([width, 4 * width], 10 * block + 15, 0.3);
      variables[`${block}/narrow`] = weight([4 * width, width], 10 * block + 16, 0.2);
      for (const name of ['a', 'b']) {
        variables[`${block}/${name}/gamma`] = tf.variable(tf.ones([width]));
        variables[`${block}/${name}/beta`] = tf.variable(tf.zeros([width]));
      }
    }
    const of = (name: string): tf.Tensor => variables[name] as tf.Tensor;
    const times = (x: tf.Tensor, name: string): tf.Tensor =>
      x
        .reshape([-1, x.shape.at(-1) as number])
        .matMul(of(name))
        .reshape([ROWS, steps, -1]);
    const split = (x: tf.Tensor): tf.Tensor => x.reshape([ROWS, steps, heads, width / heads]).transpose([0, 2, 1, 3]);
    const block = (x: tf.Tensor, n: number): tf.Tensor => {
      const seen = normed(x, of(`${n}/a/gamma`), of(`${n}/a/beta`));
      const [query, key, value] = ['query', 'key', 'value'].map((name) => split(times(seen, `${n}/${name}`))) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const weights = query
        .matMul(key, false, true)
        .div(Math.sqrt(width / heads))
        .softmax();
      const mixed = weights.matMul(value).transpose([0, 2, 1, 3]).reshape([ROWS, steps, width]);
      const after = x.add(times(mixed, `${n}/out`));
      const wide = times(normed(after, of(`${n}/b/gamma`), of(`${n}/b/beta`)), `${n}/wide`).relu();
      return after.add(times(wide, `${n}/narrow`));
    };
    const model = functionModel<{ x: tf.Tensor2D; y: tf.Tensor2D }>({
      variables,
      losses: ({ x, y }) => {
        const logits = times(block(block(tf.gather(of('words'), x).add(of('places')), 0), 1), 'head');
        return tf.losses.softmaxCrossEntropy(tf.oneHot(y, WORDS), logits).asScalar();
      },
    });
    return [{ model, optimizer: (of: typeof model) => adam(of, { learningRate: 1e-3 }) }];
  };
  return {
    name: 'transformer',
    build,
    batch: (seed) => ({ x: integers([ROWS, steps], WORDS, seed), y: integers([ROWS, steps], WORDS, seed + 1000) }),
  };
}

/** A character-level LSTM, unrolled by hand. */
function charRnn(): Family {
  const [units, letters, steps] = [16, 12, 20];
  return {
    name: 'char_rnn',
    batch: (seed) => ({ x: integers([ROWS, steps + 1], letters, seed) }),
    build: () => {
      const kernel = weight([letters + units, 4 * units], 1, 0.3);
      const head = weight([units, letters], 2);
      const bias = tf.variable(tf.zeros([4 * units]));
      const model = functionModel<{ x: tf.Tensor2D }>({
        variables: { kernel, head, bias },
        losses: ({ x }) => {
          let [h, c]: [tf.Tensor2D, tf.Tensor2D] = [tf.zeros([ROWS, units]), tf.zeros([ROWS, units])];
          const seen = tf.unstack(tf.oneHot(x, letters), 1) as tf.Tensor2D[];
          const losses: tf.Tensor[] = [];
          for (let step = 0; step < steps; step++) {
            const now = tf.concat([(seen[step] as tf.Tensor2D).cast('float32'), h], 1);
            const [i, f, o, g] = tf.split(now.matMul(kernel as tf.Tensor2D).add(bias), 4, 1) as [
              tf.Tensor2D,
              tf.Tensor2D,
              tf.Tensor2D,
              tf.Tensor2D,
            ];
            c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
            h = o.sigmoid().mul(c.tanh());
            losses.push(tf.losses.softmaxCrossEntropy(seen[step + 1] as tf.Tensor2D, h.matMul(head as tf.Tensor2D)));
          }
          return tf.stack(losses).mean().asScalar();
        },
      });
      return [{ model, optimizer: plainSgd }];
    },
  };
}

export const SEQUENCE_FAMILIES: readonly Family[] = [
  recurrent('lstm', () => layers.lstm({ units: 8, inputShape: [8, 4] })),
  recurrent('gru', () => layers.gru({ units: 8, inputShape: [8, 4] })),
  recurrent('bidirectional', () =>
    layers.bidirectional({ layer: layers.lstm({ units: 6 }), inputShape: [8, 4], mergeMode: 'concat' }),
  ),
  recurrent('stateful_rnn', () => layers.lstm({ units: 8, stateful: true, batchInputShape: [ROWS, 8, 4] })),
  layersFamily({
    name: 'conv_lstm2d',
    net: () =>
      tf.sequential({
        layers: [
          layers.convLstm2d({
            inputShape: [4, 8, 8, 1],
            filters: 4,
            kernelSize: 3,
            padding: 'same',
          }),
          layers.flatten(),
          layers.dense({ units: 2 }),
        ],
      }),
    batch: (seed) => ({ x: numbers([ROWS, 4, 8, 8, 1], seed), y: numbers([ROWS, 2], seed + 1000) }),
    loss: squaredError,
  }),
  layersFamily({
    name: 'text_conv1d',
    net: () =>
      tf.sequential({
        layers: [
          layers.embedding({ inputDim: WORDS, outputDim: 8, inputLength: 16 }),
          layers.conv1d({ filters: 16, kernelSize: 3, activation: 'relu' }),
          layers.globalMaxPooling1d({}),
          layers.dense({ units: 3 }),
        ],
      }),
    batch: text(16),
    loss: crossEntropy,
  }),
  layersFamily({
    name: 'embedding_bag',
    net: () =>
      tf.sequential({
        layers: [
          layers.embedding({ inputDim: WORDS, outputDim: 8, inputLength: 10 }),
          layers.globalAveragePooling1d({}),
          layers.dense({ units: 3 }),
        ],
      }),
    batch: text(10),
    loss: crossEntropy,
  }),
  layersFamily({
    name: 'masked_sequence',
    net: () =>
      tf.sequential({
        layers: [
          layers.embedding({ inputDim: WORDS, outputDim: 6, inputLength: 8, maskZero: true }),
          layers.lstm({ units: 6 }),
          layers.dense({ units: 3 }),
        ],
      }),
    batch: (seed) => {
      const { x, y } = text(8, 1)(seed);
      for (let row = 0; row < ROWS; row++) x.data.fill(0, row * 8 + 3 + (row % 5), row * 8 + 8);
      return { x, y };
    },
    loss: crossEntropy,
  }),
  transformer(),
  charRnn(),
];
