export interface SetupOptions {
  /** Gets a line whenever something that takes time begins. */
  readonly log?: ((line: string) => void) | undefined;
  /** Build again, even where the runtime works. */
  readonly force?: boolean | undefined;
  /** A TensorFlow wheel to use before anything else. `HOOKLINE_TENSORFLOW_WHEEL` names one for when a build is needed. */
  readonly from?: string | undefined;
  /**
   * `true`: TensorFlow for an NVIDIA GPU with the libraries of CUDA and cuDNN (linux-x64), also where no GPU is found.
   * `false`: TensorFlow for the processor, also where there is one. Default: for a GPU where the machine has one and its
   * driver supports CUDA 12; what is there already is kept.
   */
  readonly cuda?: boolean | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Folders from which the native package is resolved. Default: this package, then the current folder. */
  readonly packagesFrom?: readonly string[] | undefined;
  /** Limits in seconds for what depends on the network or on others. */
  readonly limits?: Partial<SetupLimits> | undefined;
}

export interface SetupLimits {
  /** The native package's install script. Default 180. */
  readonly ownScript: number;
  /** pip's download of one wheel. Default 900. */
  readonly download: number;
  /** Waiting for another setup. Default 900. */
  readonly otherSetup: number;
}

export const SETUP_LIMITS: SetupLimits = { ownScript: 180, download: 900, otherSetup: 900 };
