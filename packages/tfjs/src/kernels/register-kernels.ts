import { registerActivationGradients } from './activation-gradients.ts';
import { registerBatchNormLayer } from './batch-norm-layer.ts';
import { registerBatchNormTraining } from './batch-norm-training.ts';
import { registerGather, registerGatherGradients } from './gather.ts';
import { registerMaxPoolGradient } from './max-pool-gradient.ts';
import { connectSavedOutputs } from './saved-outputs.ts';
import { registerMissingGradients, registerTfjsGradients } from './tfjs-gradients.ts';

let isDone = false;

/**
 * Registers better kernels and gradients than tfjs's own, for eager and captured steps alike. Once per process, since
 * tfjs keeps them in process-wide tables. Needs the native backend's kernels to be there or come later; either works.
 */
export function registerKernels(): void {
  // Not once: tfjs-node may be loaded later, and brings a kernel of its own.
  registerGather();
  if (isDone) return;
  isDone = true;
  connectSavedOutputs();
  registerActivationGradients();
  registerGatherGradients();
  registerTfjsGradients();
  registerMissingGradients();
  registerMaxPoolGradient();
  registerBatchNormTraining();
  registerBatchNormLayer();
}
