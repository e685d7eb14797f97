import { BYTE, endOfValue, isSpace, type JsonBytes } from './json-bytes.ts';

/** Positions in the numbers of a {@link ScannedAnnotation}; `box` is the first of four consecutive ones. */
export const FIELD = { id: 0, image: 1, category: 2, box: 3, area: 7, iscrowd: 8 } as const;

const [POINT, MINUS, ZERO] = [0x2e, 0x2d, 0x30];

/** Keys of an annotation with the position of their number; -1 for the segmentation, which is skipped. */
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
 * A COCO annotation that is read from its bytes as plain numbers, in a quarter of the time of parsing it into an object. It
 * must have the usual form: only COCO's own keys, a box of four numbers, and integer ids.
 */
export class ScannedAnnotation {
  /** The values at the positions of {@link FIELD}. The area is NaN when the annotation states none. */
  readonly numbers = new Float64Array(9);
  #at = 0;
  #source!: JsonBytes;

  /** Scans an annotation. @returns its end; negative when it has another form, is malformed, or has not been read to its end */
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
        // Negative when the end of the value has not been read yet.
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

  /** Reads a number without an exponent. An integer up to 2^53 divided by a power of ten up to 10^22 gives the nearest double. */
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
    // JSON needs at least one digit and forbids leading zeros.
    if (at === first || (at > first + 1 && bytes[first] === ZERO)) return false;
    let decimals = 0;
    if (bytes[at] === POINT) {
      const point = at++;
      for (; at < end && (digit = (bytes[at] as number) - ZERO) >= 0 && digit <= 9; at++) value = value * 10 + digit;
      decimals = at - point - 1;
      if (decimals === 0) return false;
    }
    // Otherwise the number may continue beyond the bytes read so far, or have an exponent.
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

  /** Skips white space and, if it comes next, `byte`. @returns whether it did */
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
