import { chooseOneDnn } from './onednn.ts';

const processor = (...flags: string[]) => ({ cpuFlags: new Set(flags) });

describe('chooseOneDnn', () => {
  it('enables oneDNN on processors with AVX2, where TensorFlow by default does not', () => {
    expect(chooseOneDnn(processor('sse4_2', 'avx2'), 'x64', {})).toEqual({
      isOn: true,
      reason: 'the processor has avx2',
    });
    expect(chooseOneDnn(processor('avx2', 'avx512f'), 'x64', {})).toEqual({
      isOn: true,
      reason: 'the processor has avx512f',
    });
  });

  it('leaves other processors to TensorFlow', () => {
    expect(chooseOneDnn(processor('sse4_2', 'avx'), 'x64', {}).isOn).toBeUndefined();
    expect(chooseOneDnn(processor('asimd'), 'arm64', {}).isOn).toBeUndefined();
    expect(chooseOneDnn(processor(), 'x64', {}).isOn).toBeUndefined();
  });

  it('lets the environment of the user decide', () => {
    for (const [value, isOn] of [
      ['0', false],
      ['false', false],
      ['1', true],
      ['True', true],
    ] as const) {
      const choice = chooseOneDnn(processor('avx2'), 'x64', { TF_ENABLE_ONEDNN_OPTS: value });
      expect(choice).toEqual({ isOn, reason: `TF_ENABLE_ONEDNN_OPTS is ${value}` });
    }
    expect(chooseOneDnn(processor('avx2'), 'x64', { TF_ENABLE_ONEDNN_OPTS: '' }).reason).toBe('the processor has avx2');
  });
});
