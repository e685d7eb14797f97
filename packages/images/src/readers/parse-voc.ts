import { describeCause } from '@hookline/core';
import type { XMLParser } from 'fast-xml-parser';
import { asFlag, isObject, type Fields } from './json-fields.ts';

/** An unchecked object of a Pascal VOC file: numbers may be NaN. */
export interface VocObject {
  readonly name: string | undefined;
  readonly difficult: boolean;
  /** Edges in pixels as written in the file: see `firstPixel` of the reader. */
  readonly box: readonly [xmin: number, ymin: number, xmax: number, ymax: number];
}

/** The unchecked contents of a Pascal VOC file; sizes are in pixels and may be NaN. */
export interface VocFile {
  readonly filename: string | undefined;
  /** Path of the image on the machine of the annotation tool. */
  readonly path: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
}

let parser: XMLParser | undefined;

/** Parses a Pascal VOC annotation. @throws Error when the text is not XML (with the line) or not such an annotation */
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
    // Parts of an object, such as a head, have boxes of their own, which are ignored.
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
  // Imported only when the first file is read.
  parser ??= new (await import('fast-xml-parser')).XMLParser({
    isArray: (name) => name === 'object',
    parseTagValue: false,
  });
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is a package with three more below it
    return parser.parse(xml, true);
  } catch (cause) {
    // This is the parser's message for tags that are still open at the end, as in a truncated file.
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

/** A number, or NaN when the text is missing or empty, for which `Number` would give 0. */
const numberOf = (fields: Fields, name: string): number => Number(textOf(fields, name) ?? NaN);
