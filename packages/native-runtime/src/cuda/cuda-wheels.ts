/** A wheel of NVIDIA's with libraries that TensorFlow opens when it runs. */
export interface CudaWheel {
  /** Its package. */
  readonly name: string;
  readonly version: string;
  /** Folder inside the wheel, below `nvidia`. */
  readonly folder: string;
  /** SHA-256 of the wheel. */
  readonly sha256: string;
  /** Size of the wheel. */
  readonly bytes: number;
  /** What is taken out of it: paths below its folder, with their sizes in bytes. */
  readonly files: Readonly<Record<string, number>>;
}

/** Platform tags of pip under which the wheels are found; older pips do not try the older tags by themselves. */
export const CUDA_WHEEL_TAGS: readonly string[] = [
  'manylinux_2_27_x86_64',
  'manylinux_2_25_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
  'manylinux_2_12_x86_64',
  'manylinux2010_x86_64',
];

/** What the wheels below are built for; a TensorFlow for another CUDA or cuDNN opens other names. */
export const CUDA_RELEASE = { cuda: '12.9', cudnn: '9.10' } as const;

/**
 * The wheels of CUDA 12 and cuDNN 9 for linux-x64, which the extra `and-cuda` of TensorFlow's wheel asks for. The
 * versions are the newest of CUDA 12, and of cuDNN the last that still knows every GPU that TensorFlow is compiled for
 * (9.11 leaves out those before Turing). cuRAND, which the extra lists too, is opened by nothing and left out; NVSHMEM,
 * which TensorFlow opens by name and the extra leaves out, is brought. A download with another hash is refused.
 * `pip download --no-deps` and `pip hash` print versions and hashes.
 */
export const CUDA_WHEELS: readonly CudaWheel[] = [
  {
    name: 'nvidia-cuda-runtime-cu12',
    version: '12.9.79',
    folder: 'cuda_runtime',
    sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    bytes: 3_493_179,
    files: {
      'lib/libcudart.so.12': 741_088,
    },
  },
  {
    name: 'nvidia-cublas-cu12',
    version: '12.9.1.4',
    folder: 'cublas',
    sha256: '453611eb21a7c1f2c2156ed9f3a45b691deda0440ec550860290dc901af5b4c2',
    bytes: 581_242_350,
    files: {
      'lib/libcublas.so.12': 105_140_976,
      'lib/libcublasLt.so.12': 749_205_904,
    },
  },
  {
    name: 'nvidia-cufft-cu12',
    version: '11.4.1.4',
    folder: 'cufft',
    sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    bytes: 200_877_592,
    files: {
      'lib/libcufft.so.11': 291_507_928,
    },
  },
  {
    name: 'nvidia-cusolver-cu12',
    version: '11.7.5.82',
    folder: 'cusolver',
    sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    bytes: 338_117_415,
    files: {
      'lib/libcusolver.so.11': 302_024_152,
    },
  },
  {
    name: 'nvidia-cusparse-cu12',
    version: '12.5.10.65',
    folder: 'cusparse',
    sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    bytes: 366_465_088,
    files: {
      'lib/libcusparse.so.12': 486_556_368,
    },
  },
  {
    name: 'nvidia-nvjitlink-cu12',
    version: '12.9.86',
    folder: 'nvjitlink',
    sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    bytes: 39_748_338,
    files: {
      'lib/libnvJitLink.so.12': 95_935_344,
    },
  },
  {
    name: 'nvidia-cudnn-cu12',
    version: '9.10.2.21',
    folder: 'cudnn',
    sha256: '949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8',
    bytes: 706_758_467,
    files: {
      'lib/libcudnn.so.9': 125_136,
      'lib/libcudnn_graph.so.9': 4_439_912,
      'lib/libcudnn_ops.so.9': 127_936_080,
      'lib/libcudnn_cnn.so.9': 6_301_096,
      'lib/libcudnn_adv.so.9': 285_226_600,
      'lib/libcudnn_heuristic.so.9': 58_726_712,
      'lib/libcudnn_engines_precompiled.so.9': 547_383_096,
      'lib/libcudnn_engines_runtime_compiled.so.9': 23_094_328,
    },
  },
  {
    name: 'nvidia-cuda-nvrtc-cu12',
    version: '12.9.86',
    folder: 'cuda_nvrtc',
    sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    bytes: 89_568_129,
    files: {
      'lib/libnvrtc.so.12': 106_244_480,
      'lib/libnvrtc-builtins.so.12.9': 7_202_760,
    },
  },
  {
    name: 'nvidia-cuda-nvcc-cu12',
    version: '12.9.86',
    folder: 'cuda_nvcc',
    sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    bytes: 40_546_229,
    files: {
      'bin/ptxas': 34_931_056,
      'nvvm/libdevice/libdevice.10.bc': 486_168,
    },
  },
  {
    name: 'nvidia-cuda-cupti-cu12',
    version: '12.9.79',
    folder: 'cuda_cupti',
    sha256: '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
    bytes: 10_814_997,
    files: {
      'lib/libcupti.so.12': 7_604_800,
      'lib/libnvperf_host.so': 28_578_704,
      'lib/libnvperf_target.so': 5_070_928,
    },
  },
  {
    name: 'nvidia-nccl-cu12',
    version: '2.27.7',
    folder: 'nccl',
    sha256: 'de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa',
    bytes: 322_546_339,
    files: {
      'lib/libnccl.so.2': 430_126_192,
    },
  },
  {
    name: 'nvidia-nvshmem-cu12',
    version: '3.3.20',
    folder: 'nvshmem',
    sha256: 'd00f26d3f9b2e3c3065be895e3059d6479ea5c638a3f38c9fec49b1b9dd7c1e5',
    bytes: 124_657_145,
    files: {
      'lib/libnvshmem_host.so.3': 144_177_272,
    },
  },
];
