import type { ImageFinder } from '../find-image.ts';
import type { FoundSplit } from '../found-split.ts';
import type { JsonOutline } from '../read-text.ts';

/** The formats that are found, as options name them. */
export const FORMAT_NAMES = ['yolo', 'coco', 'voc', 'open-images', 'labelme', 'via', 'createml'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** What lies in a folder of data. Paths start from its root. */
export interface FolderContents {
  readonly finder: ImageFinder;
  /** Where images are, when the user says so; it may be outside. */
  readonly images: string | undefined;
  /** The YAML file that the user named. */
  readonly yaml: string | undefined;
  /** JSON files with what is at their top. */
  readonly json: readonly { readonly path: string; readonly outline: JsonOutline; readonly whole: boolean }[];
  /** CSV files with the names of their columns. */
  readonly tables: readonly { readonly path: string; readonly columns: readonly string[] }[];
}

/** Data in a format that was recognised. */
export interface FoundFormat {
  readonly format: FormatName;
  /** Such as `YOLO (data.yaml)`. */
  readonly title: string;
  /** At least one. */
  readonly splits: readonly FoundSplit[];
  /** What one should know: stated places that are not there, files that are left out. */
  readonly remarks: readonly string[];
}

/** Recognises one format, and reads it. */
export interface DataFormat {
  readonly name: FormatName;
  /** What it is recognised by, for people. */
  readonly signs: string;
  /** What was found; a sentence where something is there but cannot be read; undefined where nothing points to it. */
  readonly detect: (contents: FolderContents) => Promise<FoundFormat | string | undefined>;
}
