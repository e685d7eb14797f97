import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from '../lib/campaign.ts';
import { run } from './run.ts';

/** A program that trains for ten steps with the plugin or preset that a package's first export makes. */
const USE = (name: string) => `
import { TrainerBase } from 'hookline';
import * as exported from ${JSON.stringify(name)};
const [make] = Object.values(exported);
const trainer = new TrainerBase({ maxIterations: 10, step: ({ iteration }) => 1 / (iteration + 1), plugins: [make()] });
const { status } = await trainer.train();
await trainer.dispose();
process.exit(status === 'completed' ? 0 : 1);
`;

/**
 * For plugins and presets, runs all steps from `npm create hookline` to a tested, packed and installed package, and counts
 * the seconds. Then makes an app, which must train.
 */
export async function tryCreate(
  folder: string,
  url: string,
  languages: readonly string[],
  tally: Tally,
): Promise<void> {
  const env = { npm_config_registry: url, npm_config_audit: 'false', npm_config_fund: 'false' };
  await mkdir(folder, { recursive: true });
  /** Runs a command. @throws Error if it fails */
  const must = async (cwd: string, command: string, more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const [program = '', ...args] = command.split(' ');
    const { status, stdout, stderr } = await run(program, args, cwd, { ...env, ...more });
    if (status !== 0) throw new Error(`"${command}" ends with ${status} in ${cwd}:\n${stdout}${stderr}`);
  };
  const create = async (kind: string, language: string): Promise<string> => {
    const place = `${kind}-${language}`;
    // Use a separate cache, because npm caches packages by name and version, and the packed ones change without a new version.
    const cache = { npm_config_cache: join(folder, 'cache') };
    await must(folder, `npm create --yes hookline ${kind} tried -- --language ${language} --folder ${place}`, cache);
    await must(join(folder, place), 'npm install --prefer-offline');
    return join(folder, place);
  };
  for (const language of languages) {
    try {
      const app = await create('app', language);
      await must(app, 'npm run check');
      tally.count('apps made and trained');
      for (const kind of ['plugin', 'preset']) {
        const begin = performance.now();
        const made = await create(kind, language);
        await must(made, 'npm run check');
        await must(made, 'npm pack');
        const tarball = (await readdir(made)).find((file) => file.endsWith('.tgz')) ?? '';
        await must(app, `npm install --prefer-offline ${join(made, tarball)}`);
        await writeFile(join(app, 'use.mjs'), USE(`hookline-${kind}-tried`));
        await must(app, 'node use.mjs');
        tally.count(`seconds from nothing to an installed ${kind} in ${language}`, Math.round((performance.now() - begin) / 1000)); // prettier-ignore
      }
    } catch (error) {
      tally.fail(error instanceof Error ? error.message : String(error));
    }
  }
}
