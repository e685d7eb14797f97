import { MessageWriter } from './protobuf.ts';

const hex = (message: MessageWriter): string => Buffer.from(message.finish()).toString('hex');

describe('MessageWriter', () => {
  // The first two are the examples of the protocol buffers encoding guide.
  it('encodes integers, strings and messages', () => {
    expect(hex(new MessageWriter().int(1, 150))).toBe('089601');
    expect(hex(new MessageWriter().string(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(new MessageWriter().message(3, new MessageWriter().int(1, 150)))).toBe('1a03089601');
    expect(hex(new MessageWriter().int(1, -1))).toBe('08ffffffffffffffffff01');
    expect(hex(new MessageWriter().int(1, 2 ** 40))).toBe('08808080808020');
  });

  it('encodes floating-point numbers', () => {
    expect(hex(new MessageWriter().float(2, 1))).toBe('150000803f');
    expect(hex(new MessageWriter().double(1, 1))).toBe('09000000000000f03f');
    expect(hex(new MessageWriter().doubles(6, [1, 2]))).toBe('3210000000000000f03f0000000000000040');
  });
});
