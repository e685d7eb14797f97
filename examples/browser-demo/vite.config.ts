import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const ROOT = resolve(import.meta.dirname, '../..');
/** The folder of the exported model: that of `npm start`, or the one that the variable MODEL names. */
const MODEL = resolve(process.env['MODEL'] || resolve(ROOT, 'runs/scenes/exported/graph-model'));

/** Serves the model's folder as `/model/`. A built page takes the folder `model` that lies beside it. */
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
  // The source, which needs no build of this repository.
  resolve: { alias: { '@hookline/inference': resolve(ROOT, 'packages/inference/src/index.ts') } },
  plugins: [serveModel],
  build: { chunkSizeWarningLimit: 2000 },
});
