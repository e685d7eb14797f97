import { HooklineError } from '@hookline/core';
import type { Processor } from '../device/processor.ts';

/**
 * The dtype of convolutions and matrix products. Weights, normalisation, losses and updates are always float32.
 * `auto`: bfloat16 if the processor multiplies it faster, otherwise float32.
 */
export type Precision = 'float32' | 'bfloat16' | 'float16' | 'auto';

/** A precision that a graph can be written in. */
export type ResolvedPrecision = Exclude<Precision, 'auto'>;

/** The facts about a machine on which the choice of a precision depends. */
export interface PrecisionMachine extends Processor {
  readonly usesGpu: boolean;
}

/** A precision with the reason for it, as a phrase. */
export interface PrecisionChoice {
  readonly precision: ResolvedPrecision;
  readonly reason: string;
}

/** Flags of processors that have bfloat16 products. */
const BFLOAT16_FLAGS = ['amx_bf16', 'avx512_bf16'];

/** The vendor, as /proc/cpuinfo names it. */
const INTEL = 'GenuineIntel';

/**
 * The precision to use on a machine.
 *
 * @throws HooklineError `HKL_PRECISION_UNSUPPORTED` for a requested precision that the machine lacks
 */
export function choosePrecision(precision: Precision, machine: PrecisionMachine): PrecisionChoice {
  const { usesGpu, cpuFlags, cpuVendor } = machine;
  const flag = BFLOAT16_FLAGS.find((each) => cpuFlags.has(each));
  switch (precision) {
    case 'float32':
      return { precision, reason: 'it was asked for' };
    case 'auto':
      if (usesGpu) return { precision: 'float32', reason: 'on a GPU a lower precision has to be asked for' };
      if (flag === undefined) return { precision: 'float32', reason: 'the processor has no fast bfloat16' };
      // Convolutions by AVX512 alone were measured: on AMD they gain, on Intel they take twice as long as in float32. A rule
      // rather than a measurement at the start, which may come out differently when a training is resumed.
      if (flag !== 'amx_bf16' && cpuVendor === INTEL)
        return {
          precision: 'float32',
          reason: `on an Intel processor ${flag} without amx_bf16 is slower than float32`,
        };
      return { precision: 'bfloat16', reason: `the processor has ${flag}` };
    case 'bfloat16':
      if (usesGpu) return { precision, reason: 'it was asked for' };
      if (flag === undefined) throw unsupported(precision, `the processor has none of ${BFLOAT16_FLAGS.join(', ')}`);
      return { precision, reason: `it was asked for, and the processor has ${flag}` };
    case 'float16':
      if (!usesGpu) throw unsupported(precision, 'TensorFlow computes it fast on GPUs only');
      return { precision, reason: 'it was asked for' };
    default:
      throw unsupported(String(precision), 'it is none of float32, bfloat16, float16, auto');
  }
}

function unsupported(precision: string, why: string): HooklineError {
  return new HooklineError('HKL_PRECISION_UNSUPPORTED', `${precision} is not supported here: ${why}`, {
    who: 'option precision',
    fix: "Use precision: 'float32', or 'auto' for the fastest that the machine gains from",
  });
}
