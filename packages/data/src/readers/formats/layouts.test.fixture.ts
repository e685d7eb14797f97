import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Files by path: a picture where it ends like one, else text, or bytes. */
export type Files = Readonly<Record<string, string | object>>;

/** The pictures are 64 x 48 pixels, and each object is a cat at [8, 12, 24, 36]. */
export const CAT = [8, 12, 24, 36] as const;
export const YOLO_CAT = '0 0.25 0.5 0.25 0.5\n';

/** Writes files into a new folder. */
export async function layOut(files: Files): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'hookline-layout-'));
  await addFiles(root, files);
  return root;
}

export async function addFiles(root: string, files: Files): Promise<void> {
  const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: 'grey' } });
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    if (/\.jpe?g$/i.test(path)) await writeFile(file, await picture.clone().jpeg().toBuffer());
    else if (/\.png$/i.test(path)) await writeFile(file, await picture.clone().png().toBuffer());
    else if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(file, content);
    else await writeFile(file, JSON.stringify(content));
  }
}

/** A COCO file of images with a cat each. */
export const cocoOf = (names: readonly string[], more: object = {}): object => ({
  images: names.map((file_name, place) => ({ id: place + 1, file_name, width: 64, height: 48 })),
  annotations: names.map((_, place) => ({ id: place + 1, image_id: place + 1, category_id: 1, bbox: [8, 12, 16, 24] })),
  categories: [{ id: 1, name: 'cat' }],
  ...more,
});

/** A VOC file with a cat. @param filename as it is written; undefined leaves it out */
export const vocOf = (filename: string | undefined, more = ''): string =>
  `<annotation>${filename === undefined ? '' : `<filename>${filename}</filename>`}${more}<size><width>64</width>` +
  `<height>48</height></size><object><name>cat</name><bndbox><xmin>9</xmin><ymin>13</ymin><xmax>24</xmax>` +
  `<ymax>36</ymax></bndbox></object></annotation>`;
