import { spawnSync } from 'node:child_process';
import { existsSync, lchownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { claimTempName, releaseTempName } from '@hookline/core';
import { graphMessages } from './graph-messages.ts';
import type { NativeBinding } from '../device/native-backend.ts';
import { loadGraph } from './saved-model.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

describe('loadGraph', () => {
  it('hands the graph over in a folder of its own, and removes those of killed processes, but nobody else', async () => {
    const mine = claimTempName('step');
    releaseTempName(mine);
    // A process that has ended: its number stands for nobody, unless the system has given it away again.
    const { pid } = spawnSync(process.execPath, ['--version']);
    const killed = mine.replace(`-${process.pid}-`, `-${pid}-`);
    const alive = mine.replace(`-${process.pid}-`, `-${process.ppid}-`);
    const foreign = killed.replace('.step.', '.steps.');
    for (const name of [killed, alive, foreign]) mkdirSync(join(folder, name));
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) lchownSync(join(folder, foreign), 12345, 12345);

    let seen = '';
    const binding = {
      loadSavedModel(path: string) {
        seen = path;
        expect(statSync(path).mode & 0o777).toBe(0o700);
        expect(readdirSync(path)).toEqual(['saved_model.pb']);
        return 7;
      },
    } as unknown as NativeBinding;
    expect(loadGraph(binding, new (graphMessages().GraphDef)(), folder)).toBe(7);
    expect(seen.startsWith(folder)).toBe(true);
    expect(existsSync(seen)).toBe(false);
    for (let tries = 0; tries < 100 && existsSync(join(folder, killed)); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Without root nothing can be given to somebody else, and it counts as this user's.
    expect(readdirSync(folder).sort()).toEqual((isRoot ? [alive, foreign] : [alive]).sort());
  });
});
