/** A flag before the pixels, which start on a word. */
const HEADER = 4;

/** Shared memory for one decoded image: every thread sees it, and nothing is copied when it is handed on. */
export const makeSlot = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(HEADER + bytes);

/** The pixels of a slot. */
export const pixelsOf = (slot: SharedArrayBuffer): Uint8Array<SharedArrayBuffer> => new Uint8Array(slot, HEADER);

/** Whether the pixels are there. Two threads that find them missing both decode the image, to the same pixels. */
export const isFilled = (slot: SharedArrayBuffer): boolean => Atomics.load(new Int32Array(slot, 0, 1), 0) === 1;

/** Says that the pixels are there. */
export const markFilled = (slot: SharedArrayBuffer): void => {
  Atomics.store(new Int32Array(slot, 0, 1), 0, 1);
};
