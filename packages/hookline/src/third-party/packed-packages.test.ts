import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packAll, type PackedPackage } from './sandbox.test.support.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');

interface Manifest {
  readonly name: string;
  readonly license: string;
  readonly types?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

let packed: readonly PackedPackage[];
const manifests = new Map<string, Manifest>();

beforeAll(() => {
  packed = packAll({ dryRun: true });
  for (const { name, folder } of packed)
    manifests.set(name, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest);
}, 120_000);

describe('the packages that npm would publish', () => {
  it('are all there', () => expect(packed.length).toBeGreaterThan(25));

  it('hold licence, README and the sources that their source maps name', () => {
    const licence = readFileSync(join(ROOT, 'LICENSE'), 'utf8');
    for (const { name, folder, files } of packed) {
      expect([name, files]).toEqual([name, expect.arrayContaining(['LICENSE', 'README.md', 'src/index.ts'])]);
      expect([name, readFileSync(join(folder, 'LICENSE'), 'utf8')]).toEqual([name, licence]);
    }
  });

  it('hold no tests, nor what only tests use', () => {
    for (const { name, files } of packed) {
      // The templates that are copied into new projects contain tests on purpose.
      const own = files.filter((file) => !file.startsWith('templates/'));
      const odd = own.filter((file) => /\.test\.|tsbuildinfo|sandbox|fixture|\.support\./.test(file));
      expect([name, odd]).toEqual([name, []]);
    }
  });

  it('have pages without a link that leads out of the package, which would be dead there', () => {
    for (const { name, folder, files } of packed) {
      const page = readFileSync(join(folder, 'README.md'), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
      const links = [...page.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => target);
      const dead = links.filter((target) => !/^https?:/.test(target) && !files.includes(target));
      expect([name, dead]).toEqual([name, []]);
    }
  });

  it('pass on, as peers, the peers of what they depend on', () => {
    for (const [name, { dependencies = {}, peerDependencies = {} }] of manifests) {
      const wanted = Object.keys(dependencies).flatMap((dependency) => {
        const { peerDependencies: peers = {}, peerDependenciesMeta = {} } = manifests.get(dependency) ?? {};
        return Object.keys(peers).filter((peer) => peerDependenciesMeta[peer]?.optional !== true);
      });
      const missing = wanted.filter((peer) => !(peer in dependencies) && !(peer in peerDependencies));
      expect([name, missing]).toEqual([name, []]);
    }
  });
});
