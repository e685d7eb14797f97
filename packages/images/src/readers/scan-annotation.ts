import { BYTE, endOfValue, isSpace, type JsonBytes } from './json-bytes.ts';

/** Where the numbers of a {@link ScannedAnnotation} are; the four of the box follow one another. */
export const FIELD = { id: 0, image: 1, category: 2, box: 3, area: 7, iscrowd: 8 } as const;

const [POINT, MINUS, ZERO] = [0x2e, 0x2d, 0x30];

/** Keys of an annotation, and where their number goes; -1 for an outline, which is skipped. */
const KEYS = Object.entries({
  id: FIELD.id,
  image_id: FIELD.image,
  category_id: FIELD.category,
  bbox: FIELD.box,
  area: FIELD.area,
  iscrowd: FIELD.iscrowd,
  segmentation: -1,
}).map(([key, field]) => ({ key: Buffer.from(`"${key}"`), field }));

const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * An annotation of COCO, read from its bytes: numbers alone, in a quarter of the time that an object of it takes. It has to
 * be of the usual kind: with no other keys than COCO's, a box of four numbers, and whole numbers as ids.
 */
export class ScannedAnnotation {
  /** See {@link FIELD}. The area is NaN where there is none. */
  readonly numbers = new Float64Array(9);
  #at = 0;
  #source!: JsonBytes;

  /** @returns where it ends; negative when it is of another kind, broken, or not there to its end */
  scan(source: JsonBytes, at: number): number {
    const { numbers } = this;
    this.#source = source;
    this.#at = at;
    numbers.fill(NaN);
    numbers[FIELD.iscrowd] = 0;
    if (!this.#skip(BYTE.openObject)) return -1;
    for (;;) {
      const field = this.#key();
      if (field === undefined || !this.#skip(BYTE.colon)) return -1;
      this.#skipSpaces();
      if (field === -1) {
        // What is not there to its end ends nowhere.
        this.#at = this.#at < source.end ? endOfValue(source, this.#at) : -1;
        if (this.#at < 0) return -1;
      } else if (field === FIELD.box) {
        if (!this.#box()) return -1;
      } else if (!this.#number(field)) return -1;
      if (this.#skip(BYTE.comma)) continue;
      if (!this.#skip(BYTE.closeObject)) return -1;
      return this.#isUsual() ? this.#at : -1;
    }
  }

  #isUsual(): boolean {
    const { numbers } = this;
    const iscrowd = numbers[FIELD.iscrowd];
    return (
      Number.isSafeInteger(numbers[FIELD.id]) &&
      Number.isSafeInteger(numbers[FIELD.category]) &&
      Number.isFinite(numbers[FIELD.image]) &&
      Number.isFinite(numbers[FIELD.box]) &&
      (iscrowd === 0 || iscrowd === 1)
    );
  }

  #key(): number | undefined {
    this.#skipSpaces();
    const { bytes, end } = this.#source;
    const at = this.#at;
    if (bytes[at] !== BYTE.quote) return undefined;
    for (const { key, field } of KEYS) {
      let place = 1;
      while (place < key.length && at + place < end && bytes[at + place] === key[place]) place++;
      if (place < key.length) continue;
      this.#at += place;
      return field;
    }
    return undefined;
  }

  #box(): boolean {
    if (!this.#skip(BYTE.openList)) return false;
    for (let edge = 0; edge < 4; edge++) {
      this.#skipSpaces();
      if (!this.#number(FIELD.box + edge) || !this.#skip(edge < 3 ? BYTE.comma : BYTE.closeList)) return false;
    }
    return true;
  }

  /** A number without an exponent. A whole one of up to 2^53, divided by a power of ten up to 10^22, is the nearest double. */
  #number(field: number): boolean {
    const { bytes, end } = this.#source;
    const begin = this.#at;
    let at = begin;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const first = at;
    let value = 0;
    let digit: number;
    for (; at < end && (digit = (bytes[at] as number) - ZERO) >= 0 && digit <= 9; at++) value = value * 10 + digit;
    // One digit at least, and no zero in front of others.
    if (at === first || (at > first + 1 && bytes[first] === ZERO)) return false;
    let decimals = 0;
    if (bytes[at] === POINT) {
      const point = at++;
      for (; at < end && (digit = (bytes[at] as number) - ZERO) >= 0 && digit <= 9; at++) value = value * 10 + digit;
      decimals = at - point - 1;
      if (decimals === 0) return false;
    }
    // It may go on beyond what is there, or have an exponent.
    if (
      at >= end ||
      !(
        bytes[at] === BYTE.comma ||
        bytes[at] === BYTE.closeObject ||
        bytes[at] === BYTE.closeList ||
        isSpace(bytes[at])
      )
    )
      return false;
    if (value > Number.MAX_SAFE_INTEGER || decimals > 22) value = Number(bytes.toString('latin1', first, at));
    else if (decimals > 0) value /= POWERS[decimals] as number;
    this.numbers[field] = isNegative ? -value : value;
    this.#at = at;
    return Number.isFinite(value);
  }

  /** Takes a byte, spaces in front of it left out, if it is next. */
  #skip(byte: number): boolean {
    this.#skipSpaces();
    if (this.#at >= this.#source.end || this.#source.bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #skipSpaces(): void {
    const { bytes, end } = this.#source;
    while (this.#at < end && isSpace(bytes[this.#at])) this.#at++;
  }
}
