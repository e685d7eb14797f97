import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';

const ROOT = resolve(import.meta.dirname, '../..');

/** Path of an installed Chromium, or of the one in the environment variable `HOOKLINE_CHROMIUM`; undefined if there is none. */
export const CHROMIUM: string | undefined = [
  process.env['HOOKLINE_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== '' && existsSync(path));

const TYPES: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' },
  ...{ '.json': 'application/json', '.wasm': 'application/wasm' },
};

/** Builds the page of this folder, as `vite build` does. @returns the error output, which is empty on success */
export function buildPage(into: string): string {
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', import.meta.dirname, '--outDir', into, '--logLevel', 'error'];
  return execFileSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

/**
 * Serves folders on localhost.
 *
 * @param folders the folders by URL prefix: `{ '/': 'page', '/model/': 'exported' }`
 */
export async function serveFolders(
  folders: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; close(): void }> {
  const longestFirst = Object.entries(folders).sort(([one], [other]) => other.length - one.length);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const [prefix, folder] = longestFirst.find(([each]) => path.startsWith(each)) ?? ['', ''];
    const file = join(folder, path.slice(prefix.length) || 'index.html');
    if (folder === '' || !existsSync(file)) return void response.writeHead(404).end();
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.end(readFileSync(file));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

/** Starts a headless Chromium. SwiftShader emulates WebGL and, with `webgpu`, WebGPU on the processor, so no GPU is needed. */
export function openChromium(executablePath: string, { webgpu = false } = {}): Promise<Browser> {
  const args = ['--no-sandbox', '--enable-unsafe-swiftshader', '--use-angle=swiftshader'];
  const forWebGpu = ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader'];
  return puppeteer.launch({ executablePath, args: webgpu ? [...args, ...forWebGpu] : args });
}
