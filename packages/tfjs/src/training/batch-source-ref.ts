import { defineService, type ServiceRef } from '@hookline/core';
import type { BatchSource, DataSource } from '../batch/batch-source.ts';

export const batchSourceRef: ServiceRef<BatchSource> = defineService<BatchSource>('batchSource', {
  description: 'the batches of training, with their position',
});

export const trainDataRef: ServiceRef<DataSource> = defineService<DataSource>('trainData', {
  description: 'the data of training, as its loader gives it',
});
