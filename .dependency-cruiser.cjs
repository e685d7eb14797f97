/** Where an import by package name may arrive: the package's folder, or its bare name before anything is built. */
const inFolder = (...folders) => `^(${folders.join('|')})/`;
const named = (...names) => `^(node_modules/)?@hookline/(${names.join('|')})(/|$)`;
const to = (folders, names) => [inFolder(...folders), named(...names)];

const NATIVE_RUNTIME = to(['packages/native-runtime'], ['native-runtime']);
const TFJS = to(['packages/tfjs'], ['tfjs']);
const DATA = to(['packages/data'], ['data']);
const IMAGES = to(['packages/images'], ['images']);
const VISION = to(['packages/vision'], ['vision']);
const TESTING = to(['packages/testing'], ['testing']);
const PLUGINS = to(['plugins/(?!preset-)[^/]+'], ['plugin-[^/]+']);
const PRESETS = to(['plugins/preset-[^/]+'], ['preset-[^/]+']);
const TRAINER = to(['packages/(trainer|detection)'], ['trainer', 'detection']);
const APPS = [
  inFolder('packages/hookline', 'packages/create-hookline', 'examples', 'benchmarks', 'campaigns'),
  '^hookline(/|$)',
];

/** A layer and everything that lies above it. */
const points = (name, from, above, comment) => ({
  name: `imports-point-down-from-${name}`,
  comment,
  severity: 'error',
  from: { path: inFolder(from) },
  to: { path: above.flat() },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular-imports',
      comment: 'Of two files that need each other, what both need belongs into a third one. Types count as well.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'plugins-never-import-plugins',
      comment: 'Plugins talk through hooks, services and labels; presets alone bundle plugins.',
      severity: 'error',
      from: { path: '^plugins/((?!preset-)[^/]+)/' },
      to: { path: PLUGINS.concat(PRESETS), pathNot: '^plugins/$1/' },
    },
    points(
      'core',
      'packages/core',
      [NATIVE_RUNTIME, TFJS, DATA, IMAGES, VISION, TESTING, PLUGINS, PRESETS, TRAINER, APPS],
      'The engine knows nothing of what is built on it.',
    ),
    points(
      'native-runtime',
      'packages/native-runtime',
      [TFJS, DATA, IMAGES, VISION, TESTING, PLUGINS, PRESETS, TRAINER, APPS],
      'Runtime: core only. It installs TensorFlow, and so works without it.',
    ),
    points(
      'tfjs',
      'packages/tfjs',
      [DATA, IMAGES, VISION, TESTING, PLUGINS, PRESETS, TRAINER, APPS],
      'Runtime: core and native-runtime only.',
    ),
    points(
      'data',
      'packages/data',
      [NATIVE_RUNTIME, TFJS, IMAGES, VISION, TESTING, PLUGINS, PRESETS, TRAINER, APPS],
      'Runtime: core only.',
    ),
    points(
      'images',
      'packages/images',
      [NATIVE_RUNTIME, TFJS, VISION, TESTING, PLUGINS, PRESETS, TRAINER, APPS],
      'Runtime: core and data only.',
    ),
    points(
      'vision',
      'packages/vision',
      [PLUGINS, PRESETS, TRAINER, APPS],
      'Runtime: models of images, for every trainer and plugin.',
    ),
    points('testing', 'packages/testing', [PLUGINS, PRESETS, TRAINER, APPS], 'Runtime: what plugins are tested with.'),
    points('plugins', 'plugins', [TRAINER, APPS], 'Plugins and presets work with every trainer.'),
    points('trainer', 'packages/(trainer|detection)', [APPS], 'Trainers know no command line.'),
    points(
      'trainer-base',
      'packages/trainer',
      [to(['packages/detection'], ['detection'])],
      'The trainers that every task shares know none of them.',
    ),
    {
      name: 'inference-stands-alone',
      comment: 'It runs in browsers: nothing of the engine, and no module of Node. Tests compare it with the engine.',
      severity: 'error',
      from: { path: '^packages/inference/src/', pathNot: '\\.test\\.' },
      to: { pathNot: '^packages/inference/src/' },
    },
    {
      name: 'one-way-of-preparing-an-image',
      comment:
        'Images are decoded and resized in packages/images alone, so that training and prediction see the same. Use prepareImage, readPicture or resizePicture.',
      severity: 'error',
      from: {
        path: '^(packages/(?!testing/)|plugins/)',
        pathNot:
          '\\.test\\.|^packages/images/src/(load-sharp|loader/(decode-image|serve-batches)|readers/check-image|drawing/write-picture)\\.ts$',
      },
      to: { path: '(^|/)sharp(/|$)' },
    },
    {
      name: 'without-tensors',
      comment:
        'The engine works with any tensor library, and without one; threads that make batches and the commands `data` and `setup` load none.',
      severity: 'error',
      from: { path: inFolder('packages/core', 'packages/native-runtime', 'packages/data', 'packages/images') },
      to: { path: '(^|/)@tensorflow/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.d.ts'],
    },
  },
};
