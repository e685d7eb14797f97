import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as core from '@hookline/core';
import { checkPluginContract } from '@hookline/testing';
import ts from 'typescript';
import * as zod from 'zod';
import { codeBlock } from './code-blocks.test.support.ts';

/** Runs the first code block of a page that contains `marker`, and returns its exports. */
function run(page: string, marker: string): Record<string, (options?: unknown) => core.Plugin> {
  const { outputText } = ts.transpileModule(codeBlock(page, marker), {
    compilerOptions: { module: ts.ModuleKind.CommonJS },
  });
  const exported = {};
  const modules: Record<string, unknown> = { '@hookline/core': core, zod };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is the code that this project shows
  new Function('require', 'exports', outputText)((name: string) => modules[name], exported);
  return exported;
}

it.each([
  ['README.md', 'lossRatio', undefined],
  ['docs/plugins.md', 'stopAbove', { metric: 'total_loss', limit: 2 }],
])('the plugin shown in %s keeps the contract of plugins', async (file, name, options) => {
  const { [name]: plugin } = run(file, `export const ${name} = definePlugin`);
  await checkPluginContract({ plugin: () => plugin?.(options) as core.Plugin });
});

it('the plugin shown in docs/plugins.md that posts metrics posts them, and keeps the contract of plugins', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const { postMetrics } = run('docs/plugins.md', 'export const postMetrics = definePlugin');
    await checkPluginContract({ plugin: () => postMetrics?.({ url, period: 2 }) as core.Plugin, iterations: 3 });
    expect(JSON.parse(bodies[0] ?? '')).toEqual({ iteration: 1, loss: 0.5 });
  } finally {
    server.close();
  }
});

it('the state shown in docs/plugins.md has everything that it uses', async () => {
  const body = codeBlock('docs/plugins.md', 'return {\n  state: defineState');
  const { outputText } = ts.transpileModule(`let seen = 0; let best: number | null = null; ${body}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  });
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is the code that this project shows
  const { state } = new Function('defineState', 'z', outputText)(core.defineState, zod.z) as {
    state: core.PluginState;
  };
  await checkPluginContract({
    plugin: () => core.definePlugin({ name: 'shown', version: '1.0.0', setup: () => ({ state }) })(),
  });
  state.load(state.migrate?.(3, 1) as core.JsonValue, 1);
  expect(state.save()).toEqual({ seen: 3, best: null });
  state.reset?.();
  expect(state.save()).toEqual({ seen: 0, best: null });
});
