import { batchMatMul } from './batch-mat-mul.ts';
import { conv2dFilterGradient } from './conv2d-filter-gradient.ts';
import { conv2dInputGradient } from './conv2d-input-gradient.ts';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise-gradients.ts';
import { clipByValue, maximum, minimum, relu6 } from './keep-nan.ts';
import { meanOverLeadingAxes, sumOverLeadingAxes } from './leading-axes-reduction.ts';
import { avgPoolGradient, maxPoolGradient } from './pool-gradients.ts';
import { tileRows } from './tile-rows.ts';
import { unsortedSegmentSum } from './unsorted-segment-sum.ts';
import { registerComposedKernels } from './wasm-kernel.ts';

/**
 * Completes tfjs's wasm backend for training. It registers gradients that the backend lacks (convolution and depthwise
 * convolution, gather) or computes wrongly (pooling), kernels that are many times faster when composed from others
 * (input gradients, products of transposed matrices, sums and copies per channel), and replacements for kernels that
 * turn NaN into a number. Other backends are not touched; a second call does nothing.
 */
export function registerWasmTrainingKernels(): void {
  registerComposedKernels([
    conv2dFilterGradient,
    conv2dInputGradient,
    depthwiseFilterGradient,
    depthwiseInputGradient,
    batchMatMul,
    sumOverLeadingAxes,
    meanOverLeadingAxes,
    tileRows,
    unsortedSegmentSum,
    maxPoolGradient,
    avgPoolGradient,
    clipByValue,
    relu6,
    maximum,
    minimum,
  ]);
}
