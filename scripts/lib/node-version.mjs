// Kept to syntax that old versions of Node can parse, so that they print the message instead of a syntax error.

/**
 * Whether a version of Node is one that Hookline runs on: 20.19 and later of 20, 22.12 and later.
 *
 * @param {string} version as in `process.versions.node`
 */
export function isSupportedNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
}

/** Ends the process with one line when this Node is too old. */
export function requireSupportedNode() {
  if (isSupportedNode(process.versions.node)) return;
  console.error(
    `Hookline needs Node 20.19 or later of 20, or 22.12 or later; this is ${process.versions.node}. See https://nodejs.org`,
  );
  process.exit(1);
}
