import { defineService, type WeakServiceRef } from '@hookline/core';
import type { BatchSource, DataSource } from '../batch/batch-source.ts';

// Weak, since what gives batches is often made by a method of the trainer, and a generator keeps the `this` of its method.

export const batchSourceRef: WeakServiceRef<BatchSource> = defineService<BatchSource>('batchSource', {
  description: 'the batches of training, with their position',
  weak: true,
});

export const trainDataRef: WeakServiceRef<DataSource> = defineService<DataSource>('trainData', {
  description: 'the data of training, as its loader gives it',
  weak: true,
});
