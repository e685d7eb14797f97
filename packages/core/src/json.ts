/** What a checkpoint's manifest can hold; numbers may be NaN or infinite. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
