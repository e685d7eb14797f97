import { philox } from './philox.ts';

// Known-answer vectors of the generator's authors: counter, key, expected words.
const KNOWN: [number[], number[], number[]][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

describe('philox', () => {
  it.each(KNOWN)('gives the published words for counter %j and key %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox(out, counter[0]!, counter[1]!, counter[2]!, counter[3]!, key[0]!, key[1]!);
    expect([...out]).toEqual(expected);
  });

  it('reads signed words as unsigned ones', () => {
    const [signed, unsigned] = [new Uint32Array(4), new Uint32Array(4)];
    philox(signed, -1, -1, -1, -1, -1, -1);
    philox(unsigned, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);
    expect([...signed]).toEqual([...unsigned]);
  });
});
