// This file uses only syntax that old versions of Node can parse, so that they print the message instead of a syntax error.

/**
 * Whether Hookline supports a version of Node: 20.19 and later 20.x, or 22.12 and later.
 *
 * @param {string} version as in `process.versions.node`
 */
export function isSupportedNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
}

/** Prints one line and ends the process if this version of Node is not supported. */
export function requireSupportedNode() {
  if (isSupportedNode(process.versions.node)) return;
  console.error(
    `Hookline needs Node 20.19 or later of 20, or 22.12 or later; this is ${process.versions.node}. See https://nodejs.org`,
  );
  process.exit(1);
}
