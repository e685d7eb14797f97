import { choosePrecision } from './precision.ts';

const machine = (usesGpu: boolean, ...flags: string[]) => ({ usesGpu, cpuFlags: new Set(flags) });

describe('choosePrecision', () => {
  it('takes bfloat16 by itself only where the processor gains from it', () => {
    expect(choosePrecision('auto', machine(false, 'avx2', 'amx_bf16'))).toEqual({
      precision: 'bfloat16',
      reason: 'the processor has amx_bf16',
    });
    expect(choosePrecision('auto', machine(false, 'avx512_bf16')).precision).toBe('bfloat16');
    const intel = (...flags: string[]) => ({ ...machine(false, ...flags), cpuVendor: 'GenuineIntel' });
    expect(choosePrecision('auto', intel('avx512_bf16', 'amx_bf16')).precision).toBe('bfloat16');
    expect(choosePrecision('auto', intel('avx512_bf16'))).toEqual({
      precision: 'float32',
      reason: 'on an Intel processor avx512_bf16 without amx_bf16 is slower than float32',
    });
    expect(choosePrecision('bfloat16', intel('avx512_bf16')).precision).toBe('bfloat16');
    expect(choosePrecision('auto', machine(false, 'avx2', 'avx512f')).precision).toBe('float32');
    expect(choosePrecision('auto', machine(true, 'amx_bf16')).precision).toBe('float32');
  });

  it('refuses what the machine lacks', () => {
    expect(() => choosePrecision('bfloat16', machine(false, 'avx2'))).toThrow('HKL_PRECISION_UNSUPPORTED');
    expect(() => choosePrecision('float16', machine(false, 'amx_bf16'))).toThrow('on GPUs only');
    expect(() => choosePrecision('float64' as 'auto', machine(true))).toThrow('float64 is not supported here');
    expect(choosePrecision('float16', machine(true)).precision).toBe('float16');
  });
});
