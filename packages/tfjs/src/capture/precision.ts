/** In which type convolutions and matrix products run. */
export type Precision = 'float32' | 'bfloat16' | 'float16' | 'auto';
