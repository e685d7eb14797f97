/** The devices that a user can request. */
export const DEVICE_REQUESTS = ['auto', 'gpu', 'cpu', 'webgpu', 'wasm'] as const;

export type DeviceRequest = (typeof DEVICE_REQUESTS)[number];

/** The device that a training runs on. `gpu` and `cpu` are native TensorFlow. */
export type DeviceKind = Exclude<DeviceRequest, 'auto'>;

export interface Device {
  readonly kind: DeviceKind;
  /** Name of the tfjs backend. */
  readonly backend: string;
  /** The computing engine and its version, in words. */
  readonly engine: string;
  /** The reason for the choice, as one sentence without a full stop. */
  readonly reason: string;
  /** True for TensorFlow's own kernels, which a captured step needs. */
  readonly native: boolean;
  /** Returns a one-line description for people. */
  describe(): string;
}

/** Adds the one-line description to a device. */
export function createDevice(facts: Omit<Device, 'describe'>): Device {
  return Object.freeze({
    ...facts,
    describe: () => `device: ${facts.kind}, ${facts.engine} (${facts.reason})`,
  });
}
