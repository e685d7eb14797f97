import { defineService, type ServiceRef } from '@hookline/core';
import type { BatchSource } from '../batch/batch-source.ts';

export const batchSourceRef: ServiceRef<BatchSource> = defineService<BatchSource>('batchSource', {
  description: 'the batches of training, with their position',
});
