const { options } = require('./.dependency-cruiser.cjs');

/**
 * The folders of a package stand in an order as well, so that each can be read without those above it. Tests may look
 * everywhere.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circular-folders',
      scope: 'folder',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'folders-import-nothing-from-folders-in-them',
      comment:
        'The rule above counts the files of a folder together with those of the folders in it, and so sees no cycle between them. What is in a folder builds on the files beside it; what uses both stands elsewhere. `src` itself may import from everywhere.',
      severity: 'error',
      // The commands of the command line stand above and below their folders.
      from: { path: '^((?:packages|plugins)/[^/]+/src/.+)/[^/]+$', pathNot: '^packages/hookline/src/cli/' },
      to: { path: '^$1/[^/]+/' },
    },
  ],
  options: { ...options, exclude: { path: '\\.test\\.' } },
};
