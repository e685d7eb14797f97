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
  ],
  options: { ...options, exclude: { path: '\\.test\\.' } },
};
