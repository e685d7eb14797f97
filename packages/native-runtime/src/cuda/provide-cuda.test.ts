import { existsSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { mkdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { copyUnderAllNames, cudaFakes, makeTensorFlow, type CudaFakes } from './cuda-fakes.test.fixture.ts';
import { cudaFolder, CUDA_LIBRARIES, filesOf, inspectCudaLibraries, missingCudaWheels } from './cuda-libraries.ts';
import { CUDA_WHEELS } from './cuda-wheels.ts';
import { compileLibraryProbe } from './library-probe.ts';
import { provideCuda, systemHasCuda, type ProvideOptions } from './provide-cuda.ts';

const BUILD = { cuda: '12.5.1', cudnn: '9' };

// Wheels are fetched with pip and libraries made with a compiler, on Linux; the setup that is tested needs the same.
const canBuild =
  process.platform === 'linux' &&
  spawnSync('c++', ['--version']).status === 0 &&
  spawnSync('python3', ['-m', 'pip', '--version']).status === 0;
const describeBuilt = canBuild ? describe : describe.skip;

describeBuilt('provideCuda (needs Linux, c++ and pip)', () => {
  let fakes: CudaFakes;
  let folder: string;
  let lines: string[];
  const work = () => join(fakes.root, 'cache', 'native', '.work-test');

  beforeAll(async () => {
    fakes = await cudaFakes();
    folder = cudaFolder(fakes.env, fakes.wheels);
  }, 120_000);
  beforeEach(() => {
    lines = [];
    rmSync(work(), { recursive: true, force: true });
    mkdirSync(work());
  });

  const provide = (entry: string, options: Partial<ProvideOptions> = {}) =>
    provideCuda({
      machine: fakes.machine,
      env: fakes.env,
      entry,
      build: BUILD,
      workFolder: work(),
      timeoutMs: 120_000,
      log: (line) => lines.push(line),
      wheels: fakes.wheels,
      ...options,
    });

  it('says before a download that there is no room for it, and downloads nothing', async () => {
    const attempt = await provide(await fakes.entry(), { free: 1000 });
    expect(attempt).toMatchObject({ outcome: 'failed', code: 'HKL_DISK_FULL' });
    expect(attempt.detail).toMatch(/do not fit: only 0 MB are free where the cache lies \(.*\), and \d+ MB are needed/);
    expect([lines, existsSync(folder)]).toEqual([[], false]);
  });

  it('keeps whole wheels when it is cut short, and goes on with the rest; then every library opens', async () => {
    const entry = await fakes.entry();
    const last = join(fakes.index, 'nvidia_cuda_rest_cu12-1.0-py3-none-manylinux_2_27_x86_64.whl');
    renameSync(last, `${last}.away`);
    const broken = await provide(entry);
    expect(broken).toMatchObject({ outcome: 'failed' });
    expect(broken.detail).toMatch(/could not download nvidia-cuda-rest-cu12: .*; 2 of 3 wheels are kept, and the next/);
    expect(lines[0]).toMatch(/^bringing the libraries of CUDA and cuDNN: 3 wheels, 0 MB to download, 0 MB on disk in /);

    renameSync(`${last}.away`, last);
    lines = [];
    const attempt = await provide(entry);
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^1 of 1: nvidia-cuda-rest-cu12 1\.0/)]);
    expect(attempt.value).toMatchObject({ own: true, libraries: { missing: [] } });
    const { libraries = [], driver } = attempt.value?.libraries ?? {};
    const lib = realpathSync(join(folder, 'lib'));
    expect(libraries.map(({ path }) => path && realpathSync(path))).toEqual(
      CUDA_LIBRARIES.map(({ name }) => join(lib, name)),
    );
    if (driver?.path === undefined) expect(driver?.problem).toMatch(/^libcuda\.so\.1: cannot open shared object file/);
    // TensorFlow looks for the compiler of GPU code there; it is a program.
    expect(statSync(join(folder, 'cuda_rest', 'bin', 'ptxas')).mode & 0o777).toBe(0o755);
    expect(readdirSync(work())).toEqual([]);

    // Another binding takes them from the cache.
    lines = [];
    expect((await provide(await fakes.entry())).value).toMatchObject({ own: true });
    expect(lines).toEqual([]);
  }, 120_000);

  it('names what is missing or broken, and brings that wheel alone anew', async () => {
    const entry = await fakes.entry();
    await provide(entry);
    rmSync(join(folder, 'lib', 'libcusolver.so.11'));
    truncateSync(join(folder, 'lib', 'libcudnn_ops.so.9'), statSync(fakes.library).size - 8);
    const { value } = await inspectCudaLibraries(entry, fakes.env, fakes.wheels);
    expect(value?.missing).toEqual([
      'libcusolver.so.11: cannot open shared object file: No such file or directory',
      expect.stringMatching(/^libcudnn_ops\.so\.9: .*\/lib\/libcudnn_ops\.so\.9 has \d+ bytes instead of \d+$/),
    ]);
    expect(missingCudaWheels(fakes.env, fakes.wheels).map(({ folder }) => folder)).toEqual(['cudnn', 'cusolver']);
    lines = [];
    expect((await provide(entry)).value).toMatchObject({ libraries: { missing: [] } });
    expect(lines.slice(1).map((line) => line.split(' ')[3])).toEqual(['nvidia-cudnn-cu12', 'nvidia-cusolver-cu12']);

    // Of the right size, and not what it was.
    const damaged = join(folder, 'lib', 'libcusolver.so.11');
    writeFileSync(damaged, Buffer.alloc(statSync(fakes.library).size));
    const found = await inspectCudaLibraries(entry, fakes.env, fakes.wheels);
    expect(found.value?.missing).toEqual([expect.stringMatching(/^libcusolver\.so\.11: .*invalid ELF header$/)]);
    expect((await provide(entry)).value).toMatchObject({ libraries: { missing: [] } });
    expect(readFileSync(damaged).equals(readFileSync(fakes.library))).toBe(true);

    // One that LD_LIBRARY_PATH puts before ours: nothing is brought anew for it, and it is named.
    const other = join(fakes.root, 'other-libraries');
    mkdirSync(other);
    writeFileSync(join(other, 'libcudnn.so.9'), 'not a library');
    lines = [];
    const shadowed = await provide(entry, { env: { ...fakes.env, LD_LIBRARY_PATH: other } });
    expect(shadowed.detail).toMatch(
      /^CUDA libraries cannot be opened: libcudnn\.so\.9: .*other-libraries.*(short|header)/,
    );
    expect(lines).toEqual([]);
  }, 120_000);

  it('names a library that crashes, one that lacks another, and one that is not needed for a GPU', async () => {
    const entry = await fakes.entry();
    const lib = join(entry, 'nvidia', 'cublas', 'lib');
    copyUnderAllNames(fakes.library, lib);
    fakes.compile(
      '#include <stdlib.h>\n__attribute__((constructor)) void f(void) { abort(); }',
      join(lib, 'libcufft.so.11'),
    );
    fakes.compile('int helper(void) { return 1; }', join(fakes.root, 'libhelper.so.7'), '-Wl,-soname,libhelper.so.7');
    fakes.compile('int helper(void); int f(void) { return helper(); }', join(lib, 'libcusparse.so.12'), join(fakes.root, 'libhelper.so.7')); // prettier-ignore
    rmSync(join(lib, 'libnccl.so.2'));
    const { value } = await inspectCudaLibraries(entry, fakes.env, fakes.wheels);
    expect(value?.missing).toEqual([
      'libcufft.so.11: opening it ends the process with signal 6',
      'libcusparse.so.12: libhelper.so.7: cannot open shared object file: No such file or directory',
    ]);
    expect(value?.libraries.find(({ name }) => name === 'libnccl.so.2')).toMatchObject({
      path: undefined,
      needed: false,
    });
  }, 120_000);

  it('uses the libraries of the system where they all open, and brings nothing', async () => {
    const system = join(fakes.root, 'system');
    copyUnderAllNames(fakes.library, system);
    const env = { ...fakes.env, HOOKLINE_CACHE: join(fakes.root, 'other'), LD_LIBRARY_PATH: system };
    expect(await systemHasCuda(fakes.machine, env, work())).toBe(true);
    const attempt = await provide(await fakes.entry(), { env });
    expect(attempt.value?.own).toBe(false);
    expect(attempt.value?.libraries.libraries.map(({ path }) => path)).toEqual(
      CUDA_LIBRARIES.map(({ name }) => join(system, name)),
    );
    expect([lines, existsSync(cudaFolder(env, fakes.wheels))]).toEqual([[], false]);
    rmSync(join(system, 'libcudnn.so.9'));
    expect(await systemHasCuda(fakes.machine, env, work())).toBe(false);
  }, 120_000);

  it('uses those that pip has put beside an installed TensorFlow, cuSOLVER among them', async () => {
    const site = join(fakes.root, 'site-packages');
    mkdirSync(join(site, 'tensorflow'), { recursive: true });
    makeTensorFlow((...args) => fakes.compile(...args), join(site, 'tensorflow'));
    for (const wheel of fakes.wheels) {
      for (const { member } of filesOf(wheel, '')) {
        mkdirSync(join(site, member, '..'), { recursive: true });
        writeFileSync(join(site, member), readFileSync(fakes.library));
      }
    }
    const entry = join(fakes.root, 'cache', 'native', 'borrowing');
    mkdirSync(join(entry, 'tensorflow'), { recursive: true });
    for (const name of readdirSync(join(site, 'tensorflow'))) {
      symlinkSync(join(site, 'tensorflow', name), join(entry, 'tensorflow', name));
    }
    await compileLibraryProbe(fakes.machine, fakes.env, entry);
    const attempt = await provide(entry);
    expect(attempt.value).toMatchObject({ own: false, libraries: { missing: [] } });
    expect(lines).toEqual([]);
    // The folder gets another name when it is finished.
    renameSync(entry, `${entry}-moved`);
    const { value } = await inspectCudaLibraries(`${entry}-moved`, fakes.env, fakes.wheels);
    const solver = value?.libraries.find(({ name }) => name === 'libcusolver.so.11');
    expect(realpathSync(solver?.path ?? '')).toBe(
      realpathSync(join(site, 'nvidia', 'cusolver', 'lib', 'libcusolver.so.11')),
    );
  }, 120_000);

  it('refuses a wheel with another content', async () => {
    const wheels = fakes.wheels.map((wheel) => ({ ...wheel, sha256: wheel.sha256.replace(/^../, 'ff') }));
    const attempt = await provide(await fakes.entry(), { wheels });
    expect(attempt.detail).toMatch(
      /nvidia-cudnn-cu12: the wheel is not the one that is known: its hash differs; 0 of 3/,
    );
    expect(missingCudaWheels(fakes.env, wheels)).toHaveLength(3);
  }, 120_000);

  it('does not bring libraries of CUDA 12 to a TensorFlow for another CUDA or cuDNN', async () => {
    const entry = await fakes.entry();
    for (const build of [
      { cuda: '13.0', cudnn: '9' },
      { cuda: '12.3', cudnn: '8' },
      { cuda: '', cudnn: '' },
    ]) {
      const attempt = await provide(entry, { build });
      expect(attempt.detail).toMatch(
        /^this TensorFlow was built for CUDA (13\.0|12\.3|of an unknown version) and cuDNN/,
      );
    }
    expect(lines).toEqual([]);
  });
});

describe('the pinned wheels', () => {
  it('hold every library that is opened, each in one of them, with a hash of its own', () => {
    const files = CUDA_WHEELS.flatMap((wheel) => filesOf(wheel, '/set').map(({ place }) => place));
    expect(new Set(files).size).toBe(files.length);
    for (const { name } of CUDA_LIBRARIES) expect(files).toContain(join('/set', 'lib', name));
    for (const { sha256 } of CUDA_WHEELS) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(CUDA_WHEELS.map(({ sha256 }) => sha256)).size).toBe(CUDA_WHEELS.length);
  });
});
