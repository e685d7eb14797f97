import { defineService, type WeakServiceRef } from '@hookline/core';
import type { BatchSource } from './batch-source.ts';
import type { DataSource } from './open-data.ts';

// Both are weak: a method of the trainer often makes the data source, and a generator keeps the `this` of its method.

export const batchSourceRef: WeakServiceRef<BatchSource> = defineService<BatchSource>('batchSource', {
  description: 'the batches of training, with their position',
  weak: true,
});

export const trainDataRef: WeakServiceRef<DataSource> = defineService<DataSource>('trainData', {
  description: 'the data of training, as its loader gives it',
  weak: true,
});
