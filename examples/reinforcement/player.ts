import { definePlugin, defineState, modelRef, randomRef, storageRef, tf, trainDataRef, z } from 'hookline';
import { CatchGame, type Field, MOVES, type Policy } from './catch.ts';
import { describe, type Replay } from './replay.ts';

const field = z.object({ paddle: z.int(), column: z.int(), row: z.int(), drift: z.int() });

/** Chooses the move with the highest value. @param net maps encoded fields (see {@link describe}) to the value of each move */
export const greedyPolicy =
  (net: Pick<tf.LayersModel, 'predict'>): Policy =>
  (fields) => {
    const { data, shape } = describe(fields);
    return [...tf.tidy(() => (net.predict(tf.tensor(data, shape)) as tf.Tensor).argMax(1)).dataSync()];
  };

/**
 * Plays several games concurrently, one move of each after every training step: at first at random, later increasingly by the
 * net's values. It stores the transitions in the replay memory. Checkpoints contain the games, the memory and the random
 * numbers, so that a resumed run continues the games.
 */
export const player = definePlugin({
  name: 'catch-player',
  version: '1.0.0',
  options: z.strictObject({
    games: z.int().positive().default(16),
    /** Number of moves in the memory before the first step. */
    start: z.int().positive().default(1000),
    /** Share of random moves: from 1 down to `least` over the first half of the training. */
    least: z.number().min(0).max(1).default(0.05),
  }),
  // Run before the checkpointer, so that a checkpoint contains the moves played after its step.
  before: ['checkpointing'],
  requires: { model: modelRef, random: randomRef, data: trainDataRef, storage: storageRef },
  setup({ hooks, model, random, data, storage }, { games: count, start, least }) {
    // The player fills the memory from which the training takes its batches.
    const memory = (): Replay => data.value as Replay;
    const games = Array.from({ length: count }, (_, game) => new CatchGame(random.stream(`game/${game}`)));
    const returns = games.map(() => 0);
    const choice = random.stream('choice');
    const play = (share: number): void => {
      const fields = games.map((game) => game.field);
      const net = model.value.parts?.get('q');
      const policy = greedyPolicy({ predict: (x) => net?.predict?.(x) as tf.Tensor });
      const best = share < 1 ? policy(fields) : [];
      games.forEach((game, index) => {
        const before = fields[index] as Field;
        const isRandom = choice.float() < share;
        const move = isRandom ? choice.int(MOVES) : (best[index] ?? 0);
        const { reward, isOver } = game.move(move);
        memory().add({ before, move, reward, after: game.field, isOver });
        returns[index] = (returns[index] ?? 0) + reward;
        if (!isOver) return;
        storage.putScalar('return', returns[index] ?? 0);
        returns[index] = 0;
      });
    };
    hooks.beforeTrain.tap(() => {
      while (memory().length < start) play(1);
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      play(Math.max(least, 1 - (1 - least) * (iteration / (0.5 * maxIterations))));
    });
    return {
      state: defineState({
        schema: z.object({
          games: z.array(z.object({ field, balls: z.int() })),
          returns: z.array(z.number()),
          replay: z.object({ added: z.int(), moves: z.string() }),
        }),
        save: () => ({
          games: games.map((game) => ({ field: { ...game.field }, balls: game.balls })),
          returns: [...returns],
          replay: memory().save(),
        }),
        load: (saved) => {
          saved.games.forEach((game, index) => void Object.assign(games[index] as CatchGame, game));
          returns.splice(0, returns.length, ...saved.returns);
          memory().load(saved.replay);
        },
      }),
    };
  },
});
