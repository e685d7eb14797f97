/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import { setTensorFlowVariables } from './packages/tfjs/src/device/onednn.ts';

// Tests get a copy of the environment, so that what they set there does not reach TensorFlow as it does outside.
setTensorFlowVariables(process.env);

const config: Config = {
  testMatch: ['<rootDir>/{packages,plugins,examples,benchmarks,campaigns,scripts}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '<rootDir>/packages/create-hookline/templates/'],
  modulePathIgnorePatterns: ['<rootDir>/(packages|plugins)/[^/]+/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  // Tests run on the sources, so that no build can be stale; packed packages are tested on their own.
  moduleNameMapper: {
    '^@hookline/core/tensor-types$': '<rootDir>/packages/core/src/tensor-types.ts',
    '^@hookline/inference/detections$': '<rootDir>/packages/inference/src/detections.ts',
    '^@hookline/(core|native-runtime|tfjs|testing|trainer|detection|data|images|inference|vision)$':
      '<rootDir>/packages/$1/src/index.ts',
    '^@hookline/plugin-([^/]+)$': '<rootDir>/plugins/$1/src/index.ts',
    '^@hookline/preset-([^/]+)$': '<rootDir>/plugins/preset-$1/src/index.ts',
    '^hookline$': '<rootDir>/packages/hookline/src/index.ts',
  },
  testEnvironment: '<rootDir>/scripts/jest-environment.mjs',
  testSequencer: '<rootDir>/scripts/jest-sequencer.mjs',
  // Far above what any test takes, so that only one that hangs runs into it, however busy the machine is.
  testTimeout: 240_000,
  // Each test file loads TensorFlow.js anew, and V8 does not get all of it back: a worker that has grown is replaced.
  workerIdleMemoryLimit: '1500MB',
};

export default config;
