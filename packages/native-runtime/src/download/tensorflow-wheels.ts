/** The release that the whole test suite runs on. */
export const TENSORFLOW_VERSION = '2.21.0';

/** A wheel with TensorFlow's C libraries. */
export interface PinnedWheel {
  /** Its package. */
  readonly name: string;
  /** Platform tags of pip under which it is found. */
  readonly tags: readonly string[];
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
  /** About what its libraries and headers take when they are unpacked. */
  readonly unpackedBytes: number;
}

const X64 = ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'];
const ARM64 = ['manylinux_2_27_aarch64', 'manylinux_2_17_aarch64', 'manylinux2014_aarch64'];

/** Any Python can fetch these: the addon uses their C libraries, not their Python modules. */
export const WHEEL_PYTHON = { version: '3.11', implementation: 'cp', abi: 'cp311' } as const;

/**
 * The wheels of {@link TENSORFLOW_VERSION} for {@link WHEEL_PYTHON}, by machine; with `-cuda` those for an NVIDIA GPU. A
 * download with another hash is refused. `pip download --no-deps` and
 * `pip hash` print them.
 */
export const TENSORFLOW_WHEELS: Readonly<Record<string, PinnedWheel>> = {
  'linux-x64': {
    name: 'tensorflow-cpu',
    tags: X64,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    bytes: 273_829_956,
    unpackedBytes: 0.9e9,
  },
  'linux-x64-cuda': {
    name: 'tensorflow',
    tags: X64,
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    bytes: 572_440_367,
    unpackedBytes: 1.3e9,
  },
  'linux-arm64': {
    name: 'tensorflow',
    tags: ARM64,
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    bytes: 281_828_020,
    unpackedBytes: 0.9e9,
  },
};

/**
 * The wheel for a machine.
 *
 * @param platform such as `linux-x64`
 * @param cuda the one for an NVIDIA GPU, where there is one
 */
export function findTensorFlowWheel(platform: string, cuda: boolean): PinnedWheel | undefined {
  return TENSORFLOW_WHEELS[`${platform}${cuda ? '-cuda' : ''}`] ?? TENSORFLOW_WHEELS[platform];
}
