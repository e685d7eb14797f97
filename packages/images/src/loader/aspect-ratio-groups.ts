/** Groups for the option `groups` of `BatchSampler`: 1 for images wider than high, else 0. */
export function aspectRatioGroups(records: readonly { readonly width: number; readonly height: number }[]): Uint8Array {
  return Uint8Array.from(records, ({ width, height }) => (width > height ? 1 : 0));
}
