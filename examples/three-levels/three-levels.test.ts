import { ConsoleLogger, selectDevice } from 'hookline';
import { bareLoop } from './1-bare-loop.ts';
import { simpleTrainer } from './2-simple-trainer.ts';
import { defaultTrainer } from './3-default-trainer.ts';

const logger = new ConsoleLogger({ level: 'silent' });

describe('the three levels', () => {
  it('give the same weights to the bit for the same seed and different ones for another seed', async () => {
    await selectDevice('auto');
    const output = temporaryFolder();
    const bare = await bareLoop(3, { logger });
    expect(await simpleTrainer(3, { logger })).toEqual(bare);
    expect(await defaultTrainer(3, output, { logger })).toEqual(bare);
    expect(await simpleTrainer(4, { logger })).not.toEqual(bare);
  });
});
