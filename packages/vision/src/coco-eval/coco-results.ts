import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HooklineError, writeFileAtomically } from '@hookline/core';
import type { CocoDetection } from './coco-types.ts';

/** Writes detections atomically as COCO's results JSON, which pycocotools reads with `loadRes`. Missing folders are created. */
export async function writeCocoResults(path: string, detections: readonly CocoDetection[]): Promise<void> {
  const lines = detections.map(({ image_id, category_id, bbox, score }) =>
    JSON.stringify({ image_id, category_id, bbox, score }),
  );
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomically(path, `[${lines.join(',\n')}]\n`);
}

/**
 * Reads COCO's results JSON.
 *
 * @throws HooklineError `HKL_COCO_RESULTS` when the file cannot be read or contains no such results
 */
export async function readCocoResults(path: string): Promise<CocoDetection[]> {
  let read: unknown;
  let cause: unknown;
  try {
    read = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    cause = error;
  }
  const isDetection = (value: unknown): boolean => typeof value === 'object' && value !== null && 'score' in value;
  if (Array.isArray(read) && read.every(isDetection)) return read as CocoDetection[];
  throw new HooklineError('HKL_COCO_RESULTS', 'the file holds no list of detections', {
    who: path,
    fix: 'Give a JSON file of [{ image_id, category_id, bbox, score }, ...]',
    cause,
  });
}
