import { RecordingLogger } from '@hookline/testing';
import { currentDevice } from '@hookline/tfjs';
import { defineConfig } from './config/define-config.ts';
import { defineTrainer } from './define-trainer.ts';

describe('createOnDevice', () => {
  const config = defineConfig({ solver: { batchSize: 64, maxIterations: 700 } });
  const small = config.on('wasm', { solver: { batchSize: 4, steps: [3, 5] }, device: 'wasm' });

  it('takes the values for the device that is chosen, says so with the reason, and leaves --set in charge', async () => {
    const logger = new RecordingLogger();
    const definition = defineTrainer({ config: small });
    const trainer = await definition.createOnDevice({ device: 'wasm', set: ['solver.maxIterations=9'], logger });
    expect(trainer.config.solver).toMatchObject({ batchSize: 4, steps: [3, 5], maxIterations: 9 });
    expect(logger.matching('recipe:')).toEqual([
      'recipe:     for wasm (as asked for): solver.batchSize 4, solver.steps [3,5], device "wasm"',
    ]);
    expect(currentDevice()?.kind).toBe('wasm');
    expect(definition.create().config.solver.batchSize).toBe(64);
    expect(definition.create({ valuesOn: 'wasm' }).config.solver.batchSize).toBe(4);
  });

  it('is create where the config has no values for that device', async () => {
    const logger = new RecordingLogger();
    const other = defineTrainer({ config: config.on('webgpu', { solver: { batchSize: 1 } }) });
    for (const definition of [other, defineTrainer({ config })]) {
      const trainer = await definition.createOnDevice({ device: 'wasm', logger });
      expect(trainer.config.solver.batchSize).toBe(64);
    }
    expect(logger.lines).toEqual([]);
  });

  it('fails as the choice of a device does', async () => {
    const definition = defineTrainer({ config: small });
    await expect(definition.createOnDevice({ device: 'tpu' })).rejects.toThrow(/device/);
  });
});
