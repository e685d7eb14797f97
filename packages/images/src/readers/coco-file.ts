import { describeCause, HooklineError } from '@hookline/core';
import { CocoAnnotations } from './coco-annotations.ts';
import { isObject, type Fields } from './json-fields.ts';
import { type JsonListsOptions, type JsonTop, readJsonLists } from './json-lists.ts';
import { ScannedAnnotation } from './scan-annotation.ts';

/** An entry of "images". All fields are undefined when the entry is not an object. */
export interface CocoImage {
  readonly id: unknown;
  readonly name: string | undefined;
  readonly width: unknown;
  readonly height: unknown;
}

/** The lists of a COCO file with unchecked entries. */
export interface CocoFile {
  readonly images: readonly CocoImage[];
  readonly annotations: CocoAnnotations;
  readonly categories: readonly unknown[];
}

const LISTS = ['images', 'annotations', 'categories'] as const;

const FIX = 'Give a detection file of COCO: one object with the lists "images", "annotations" and "categories"';

/** The error of a COCO file that cannot be used. */
export function unreadable(json: string, what: string, cause?: unknown, fix = FIX): HooklineError {
  return new HooklineError('HKL_DATASET_UNREADABLE', what, { who: json, fix, cause });
}

/**
 * Reads the lists of a COCO file of any size. Segmentations are parsed only for objects without a box.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the file cannot be read or parsed, or lacks one of the three lists
 */
export async function readCocoLists(json: string, options?: JsonListsOptions): Promise<CocoFile> {
  let images: CocoImage[] = [];
  let annotations = new CocoAnnotations();
  let categories: unknown[] = [];
  const scanned = new ScannedAnnotation();
  let top: JsonTop;
  try {
    top = await readJsonLists(
      json,
      {
        images: { begin: () => (images = []), entry: (entry) => images.push(imageOf(entry)) },
        annotations: {
          begin: () => (annotations = new CocoAnnotations()),
          entry: (entry, whole) => annotations.add(entry, whole),
          plain: { scan: (source, at) => scanned.scan(source, at), take: () => annotations.addScanned(scanned) },
          without: 'segmentation',
        },
        categories: { begin: () => (categories = []), entry: (entry) => categories.push(entry) },
      },
      options,
    );
  } catch (cause) {
    throw unreadable(json, `it cannot be read: ${describeCause(cause)}`, cause);
  }
  if (top === 'not an object') throw unreadable(json, 'it does not hold an object');
  const missing = LISTS.filter((name) => top.get(name) !== 'list');
  if (missing.length > 0) throw unreadable(json, `it has no list "${missing.join('", "')}"`);
  return { images, annotations, categories };
}

function imageOf(entry: unknown): CocoImage {
  const fields = isObject(entry) ? entry : {};
  const { id, width, height } = fields;
  return { id, name: nameOf(fields), width, height };
}

/** The file name of an image, else the path that coco-annotator writes, else its URL. */
function nameOf({ file_name, path, coco_url: url }: Fields): string | undefined {
  return [file_name, path, url].find((name): name is string => typeof name === 'string' && name.trim() !== '');
}
