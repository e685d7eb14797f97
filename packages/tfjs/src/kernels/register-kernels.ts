import { registerActivationGradients } from './activation-gradients.ts';
import { registerBatchNormLayer } from './batch-norm-layer.ts';
import { registerBatchNormTraining } from './batch-norm-training.ts';

let isDone = false;

/**
 * Registers better kernels and gradients than tfjs's own, for eager and captured steps alike. Once per process, since
 * tfjs keeps them in process-wide tables. Needs the native backend's kernels to be there or come later; either works.
 */
export function registerKernels(): void {
  if (isDone) return;
  isDone = true;
  registerActivationGradients();
  registerBatchNormTraining();
  registerBatchNormLayer();
}
