import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename } from 'node:path';
import type { AddressInfo } from 'node:net';

/** A packed package. */
export interface PackedManifest {
  /** Path of the tarball. */
  readonly path: string;
  /** Its package.json. */
  readonly manifest: { readonly name: string; readonly version: string };
}

export interface LocalRegistry {
  readonly url: string;
  close(): void;
}

/**
 * Starts a local registry that serves the given packages and redirects requests for others to the registry that npm uses,
 * so that package managers install the packed packages as if they were published.
 *
 * @param upstream URL of the registry that npm uses
 */
export async function serveRegistry(packages: readonly PackedManifest[], upstream: string): Promise<LocalRegistry> {
  let url = '';
  const byName = new Map(packages.map((each) => [each.manifest.name, each]));
  const byFile = new Map(packages.map(({ path }) => [basename(path), path]));
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    const tarball = byFile.get(path);
    const found = byName.get(path);
    if (tarball !== undefined) response.end(readFileSync(tarball));
    else if (found !== undefined) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(describe(found, url)));
    } else response.writeHead(302, { location: new URL(request.url ?? '/', upstream).href }).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, close: () => server.close() };
}

/** The registry's metadata of a package. The publication date is long ago, because some managers do not install new releases. */
function describe({ path, manifest }: PackedManifest, url: string): object {
  const { name, version } = manifest;
  const bytes = readFileSync(path);
  const digest = (algorithm: string) => createHash(algorithm).update(bytes);
  const dist = {
    tarball: `${url}${basename(path)}`,
    shasum: digest('sha1').digest('hex'),
    integrity: `sha512-${digest('sha512').digest('base64')}`,
  };
  const time = '2020-01-01T00:00:00.000Z';
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    time: { created: time, modified: time, [version]: time },
  };
}
