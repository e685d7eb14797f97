import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, provide, TrainerBase } from '@hookline/core';
import { configRef } from '../trainer-services.ts';
import { configFile } from './config-file.ts';
import { defineConfig } from './define-config.ts';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

it('configFile writes the complete config, which resolves to itself again', async () => {
  const config = defineConfig({ solver: { baseLr: 0.02 } }).resolve(['solver.steps=[7,9]', 'output=elsewhere']);
  const trainer = new TrainerBase({
    step: () => 1,
    maxIterations: 1,
    services: [provide(configRef, () => config)],
    plugins: [configFile()],
    output,
    logger: new ConsoleLogger({ level: 'silent' }),
  });
  await trainer.train();
  const written = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
  expect(written).toMatchObject({ output: 'elsewhere', solver: { baseLr: 0.02, steps: [7, 9], momentum: 0.9 } });
  expect(defineConfig(written).resolve()).toEqual(config);
});
