import { registerActivationGradients } from './activation-gradients.ts';
import { registerBatchNormLayer } from './batch-norm-layer.ts';
import { registerBatchNormTraining } from './batch-norm-training.ts';
import { registerGather, registerGatherGradients } from './gather.ts';
import { registerMaxPoolGradient } from './max-pool-gradient.ts';
import { connectSavedOutputs } from './saved-outputs.ts';
import { registerMissingGradients, registerTfjsGradients } from './tfjs-gradients.ts';

let isDone = false;

/**
 * Registers kernels and gradients that improve on tfjs's own, for eager and captured steps alike. It acts once per
 * process, because tfjs keeps them in process-wide tables. The native backend may be loaded before or after this call.
 */
export function registerKernels(): void {
  // Repeat this at every call: tfjs-node may be loaded later, and brings its own kernel.
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
