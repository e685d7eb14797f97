import type { ImageFinder } from '../find-image.ts';
import type { JsonOutline } from '../read-text.ts';
import type { FoundSplit } from '../splits.ts';

/** The names of the formats that can be detected, as options use them. */
export const FORMAT_NAMES = ['yolo', 'coco', 'voc', 'open-images', 'labelme', 'via', 'createml'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** The contents of a folder of data. Paths start from its root. */
export interface FolderContents {
  readonly finder: ImageFinder;
  /** The folder of the images, when the user names one; it may be outside the root. */
  readonly images: string | undefined;
  /** The YAML file, when the user names one. */
  readonly yaml: string | undefined;
  /** JSON files with their outlines; `whole` when the outline covers the whole file. */
  readonly json: readonly { readonly path: string; readonly outline: JsonOutline; readonly whole: boolean }[];
  /** CSV files with the names of their columns. */
  readonly tables: readonly { readonly path: string; readonly columns: readonly string[] }[];
}

/** Data in a format that was recognised. */
export interface FoundFormat {
  readonly format: FormatName;
  /** Name of the format for people, such as `YOLO (data.yaml)`. */
  readonly title: string;
  /** At least one. */
  readonly splits: readonly FoundSplit[];
  /** Remarks for the user, such as stated folders that do not exist or files that are left out. */
  readonly remarks: readonly string[];
}

/** Detects one format and reads it. */
export interface DataFormat {
  readonly name: FormatName;
  /** The files by which the format is recognised, for messages. */
  readonly signs: string;
  /** Returns the data found, a sentence about data of this format that cannot be read, or undefined when there are none. */
  readonly detect: (contents: FolderContents) => Promise<FoundFormat | string | undefined>;
}
