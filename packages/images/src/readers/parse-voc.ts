import { describeCause } from '@hookline/core';
import type { XMLParser } from 'fast-xml-parser';
import { asFlag, isObject, type Fields } from './json-fields.ts';

/** One object of a Pascal VOC file, unchecked: numbers may be NaN. */
export interface VocObject {
  readonly name: string | undefined;
  readonly difficult: boolean;
  /** As the file counts: see `firstPixel` of the reader. */
  readonly box: readonly [xmin: number, ymin: number, xmax: number, ymax: number];
}

/** What a Pascal VOC file says, unchecked. */
export interface VocFile {
  readonly filename: string | undefined;
  /** Where the tool had the image. */
  readonly path: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
}

let parser: XMLParser | undefined;

/** Parses a Pascal VOC annotation. @throws Error with the line where the text is no XML, or no such annotation */
export async function parseVoc(xml: string): Promise<VocFile> {
  const parsed = await parseXml(xml);
  const root = isObject(parsed) ? parsed['annotation'] : undefined;
  if (!isObject(root)) throw new Error('its root is not <annotation>');
  const size = childOf(root, 'size');
  const objects = Array.isArray(root['object']) ? (root['object'] as unknown[]) : [];
  return {
    filename: textOf(root, 'filename'),
    path: textOf(root, 'path'),
    width: numberOf(size, 'width'),
    height: numberOf(size, 'height'),
    // A part of an object, such as a head, has a box of its own and no difficult flag; only objects count.
    objects: objects.map((object) => {
      const fields = isObject(object) ? object : {};
      const box = childOf(fields, 'bndbox');
      return {
        name: textOf(fields, 'name'),
        difficult: asFlag(textOf(fields, 'difficult')) === 1,
        box: [numberOf(box, 'xmin'), numberOf(box, 'ymin'), numberOf(box, 'xmax'), numberOf(box, 'ymax')],
      };
    }),
  };
}

async function parseXml(xml: string): Promise<unknown> {
  // Loaded with the first file.
  parser ??= new (await import('fast-xml-parser')).XMLParser({
    isArray: (name) => name === 'object',
    parseTagValue: false,
  });
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is a package with three more below it
    return parser.parse(xml, true);
  } catch (cause) {
    // The parser's sentence for tags that are still open at the end, as in a file that was cut.
    const [, open] = /^Invalid '\[([^]*)\]' found/.exec(describeCause(cause)) ?? [];
    if (open === undefined) throw cause;
    const tags = open.replace(/\s+/g, ' ').replaceAll('"', '').trim();
    throw new Error(`it ends before these tags are closed: ${tags}`, { cause });
  }
}

function childOf(fields: Fields, name: string): Fields {
  const child = fields[name];
  return isObject(child) ? child : {};
}

function textOf(fields: Fields, name: string): string | undefined {
  const text = fields[name];
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined;
}

/** `Number('')` would be 0. */
const numberOf = (fields: Fields, name: string): number => Number(textOf(fields, name) ?? NaN);
