import { TrainerBase } from '@hookline/core';
import { functionModel, layersModel, parameterGroups, selectDevice, sgd, adamW, tf, tfjsRuntime } from '@hookline/tfjs';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer } from './default-trainer.ts';
import { defineTrainer } from './define-trainer.ts';
import { SimpleTrainer } from './simple-trainer.ts';

const parts = { model: () => undefined, optimizer: () => undefined, data: [], maxIterations: 2 };
const config = defineConfig({ solver: { maxIterations: 2 } });
const model = () => functionModel({ variables: { w: tf.variable(tf.scalar(1)) }, losses: () => tf.scalar(1) });
const net = () => tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });

beforeAll(() => selectDevice('auto'));

describe('what is misspelt is refused before the first step, with a suggestion:', () => {
  it.each<[string, () => unknown, string]>([
    [
      'an option of SimpleTrainer',
      () => new SimpleTrainer({ ...parts, optimzer: () => undefined } as never),
      '[HKL_OPTION_UNKNOWN] SimpleTrainer: it has no option "optimzer". Did you mean "optimizer"? Known: capture, checkFinite, data, device,',
    ],
    [
      'an option of the bare loop given to SimpleTrainer',
      () => new SimpleTrainer({ ...parts, step: () => 1 } as never),
      '[HKL_OPTION_UNKNOWN] SimpleTrainer: it has no option "step".',
    ],
    [
      'an option of tfjsRuntime',
      () => tfjsRuntime({ ...parts, maxIterations: 2 } as never),
      '[HKL_OPTION_UNKNOWN] tfjsRuntime: it has no option "maxIterations". Known: capture, checkFinite,',
    ],
    [
      'an option of DefaultTrainer',
      () => new DefaultTrainer(config.resolve(), { plugin: [] } as never),
      '[HKL_OPTION_UNKNOWN] DefaultTrainer: it has no option "plugin". Did you mean "plugins"? Known: logger, plugins, services.',
    ],
    [
      'a config that was not resolved',
      () => new DefaultTrainer(config as never),
      '[HKL_CONFIG_INVALID] DefaultTrainer: the first argument is not a complete config. Give the result of its resolve().',
    ],
    [
      'no config',
      () => new DefaultTrainer(undefined as never),
      '[HKL_CONFIG_INVALID] DefaultTrainer: the first argument is not a complete config. Give defineConfig({...}).resolve().',
    ],
    [
      'a function of a trainer file',
      () => defineTrainer({ config, buildmodel: () => undefined } as never),
      '[HKL_TRAINER_FILE] defineTrainer: "buildmodel" is no method of its trainer. Did you mean "buildModel"?',
    ],
    [
      'a change to a trainer file',
      () => defineTrainer({ config }).create({ sets: [] } as never),
      '[HKL_OPTION_UNKNOWN] create: it has no option "sets". Did you mean "set"? Known: device, logger, output, set, valuesOn.',
    ],
    [
      'an option of an optimizer',
      () => sgd(model(), { learningRate: 1, momentm: 0.9 } as never),
      '[HKL_OPTION_UNKNOWN] sgd: it has no option "momentm". Did you mean "momentum"?',
    ],
    [
      'an option of another optimizer',
      () => adamW(model(), { learningRate: 1, momentum: 0.9 } as never),
      '[HKL_OPTION_UNKNOWN] adamW: it has no option "momentum". Known: beta1, beta2, biasLrFactor,',
    ],
    [
      'an option of parameter groups',
      () => parameterGroups(model(), { overrides: { w: { lrfactor: 2 } } } as never),
      '[HKL_OPTION_UNKNOWN] override of "w": it has no option "lrfactor". Did you mean "lrFactor"?',
    ],
    [
      'an option of layersModel',
      () => layersModel(net(), { losses: () => tf.scalar(1) } as never),
      '[HKL_OPTION_UNKNOWN] layersModel: it has no option "losses". Did you mean "loss"? Known: inputs, loss, metrics, name, weightTable.',
    ],
    [
      'an option of functionModel',
      () => functionModel({ variables: {}, loss: () => tf.scalar(1) } as never),
      '[HKL_OPTION_UNKNOWN] functionModel: it has no option "loss". Did you mean "losses"?',
    ],
  ])('%s', (_, attempt, message) => {
    let found = 'nothing failed';
    try {
      attempt();
    } catch (error) {
      found = (error as Error).message;
    }
    expect(found.slice(0, message.length)).toBe(message);
  });

  it('what a class of its own adds is its own matter', () => {
    class Mine extends TrainerBase {
      readonly colour: string;
      constructor({ colour, ...options }: { colour: string; maxIterations: number }) {
        super({ ...options, step: () => 1 });
        this.colour = colour;
      }
    }
    expect(new Mine({ colour: 'red', maxIterations: 3 })).toMatchObject({ colour: 'red', maxIterations: 3 });
  });
});
