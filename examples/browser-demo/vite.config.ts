import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const ROOT = resolve(import.meta.dirname, '../..');
/** The folder of the exported model: the environment variable MODEL, or the folder that `hookline export` writes after `npm start`. */
const MODEL = resolve(process.env['MODEL'] || resolve(ROOT, 'runs/scenes/exported/graph-model'));

/** The development server serves the model's folder as `/model/`. A built page loads the folder `model` next to it. */
const serveModel: Plugin = {
  name: 'serve-model',
  configureServer({ middlewares }) {
    middlewares.use('/model', (request, response) => {
      const file = resolve(MODEL, `.${new URL(request.url ?? '/', 'http://localhost').pathname}`);
      if (file.startsWith(MODEL) && existsSync(file)) createReadStream(file).pipe(response);
      else response.writeHead(404).end();
    });
  },
};

export default defineConfig({
  base: './',
  // Use the sources, so that the repository need not be built.
  resolve: { alias: { '@hookline/inference': resolve(ROOT, 'packages/inference/src/index.ts') } },
  plugins: [serveModel],
  build: { chunkSizeWarningLimit: 2000 },
});
