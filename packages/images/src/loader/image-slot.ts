/** Bytes of the flag before the pixels, which start at a word boundary. */
const HEADER = 4;

/** Allocates shared memory for one decoded image. All threads see it, and sending it copies nothing. */
export const makeSlot = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(HEADER + bytes);

/** The pixels of a slot. */
export const pixelsOf = (slot: SharedArrayBuffer): Uint8Array<SharedArrayBuffer> => new Uint8Array(slot, HEADER);

/** Whether the pixels have been written. Two threads that find them missing both write the same pixels. */
export const isFilled = (slot: SharedArrayBuffer): boolean => Atomics.load(new Int32Array(slot, 0, 1), 0) === 1;

/** Marks the pixels as written. */
export const markFilled = (slot: SharedArrayBuffer): void => {
  Atomics.store(new Int32Array(slot, 0, 1), 0, 1);
};
