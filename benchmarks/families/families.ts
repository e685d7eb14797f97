import { DECISION_FAMILIES } from './decision-families.ts';
import type { Family } from './family.ts';
import { GENERATIVE_FAMILIES } from './generative-families.ts';
import { IMAGE_FAMILIES } from './image-families.ts';
import { SEQUENCE_FAMILIES } from './sequence-families.ts';
import { TABLE_FAMILIES } from './table-families.ts';

/** All measured families. */
export const FAMILIES: readonly Family[] = [
  ...TABLE_FAMILIES,
  ...IMAGE_FAMILIES,
  ...SEQUENCE_FAMILIES,
  ...DECISION_FAMILIES,
  ...GENERATIVE_FAMILIES,
];
