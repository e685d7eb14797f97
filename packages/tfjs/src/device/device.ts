/** What a user can ask for. */
export const DEVICE_REQUESTS = ['auto', 'gpu', 'cpu', 'webgpu', 'wasm'] as const;

export type DeviceRequest = (typeof DEVICE_REQUESTS)[number];

/** What a training runs on. `gpu` and `cpu` are native TensorFlow. */
export type DeviceKind = Exclude<DeviceRequest, 'auto'>;

export interface Device {
  readonly kind: DeviceKind;
  /** Name of the tfjs backend. */
  readonly backend: string;
  /** What computes, in words, with its version. */
  readonly engine: string;
  /** Why it was chosen, as one sentence without a full stop. */
  readonly reason: string;
  /** True for TensorFlow's own kernels, which a captured step needs. */
  readonly native: boolean;
  /** One line for people. */
  describe(): string;
}

/** Completes a device with its line for people. */
export function createDevice(parts: Omit<Device, 'describe'>): Device {
  return Object.freeze({
    ...parts,
    describe: () => `device: ${parts.kind}, ${parts.engine} (${parts.reason})`,
  });
}
