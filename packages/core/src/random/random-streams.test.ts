import { RandomStreams, type RandomStreamsState } from './random-streams.ts';

const throughJson = (state: RandomStreamsState): RandomStreamsState =>
  JSON.parse(JSON.stringify(state)) as RandomStreamsState;

describe('RandomStreams', () => {
  it('adding a stream, or drawing from it, disturbs no other', () => {
    const alone = new RandomStreams(1).stream('augment');
    const expected = [alone.float(), alone.float()];
    const crowded = new RandomStreams(1);
    crowded.stream('other').float();
    const stream = crowded.stream('augment');
    const first = stream.float();
    crowded.stream('third').permutation(10);
    stream.stream('below').normal();
    expect([first, stream.float()]).toEqual(expected);
  });

  it('hands out one object per name, and paths name sub-streams', () => {
    const streams = new RandomStreams(1);
    expect(streams.stream('a')).toBe(streams.stream('a'));
    expect(streams.stream('a').stream('b')).toBe(streams.stream('a/b'));
  });

  it.each(['before', 'after'])('restores streams handed out %s restoring, sub-streams too', (when) => {
    const saved = new RandomStreams(5);
    saved.stream('a').normal();
    saved.stream('a').uint32();
    saved.stream('a').stream('sub').float();
    const state = throughJson(saved.state());
    const expected = [
      saved.stream('a').normal(),
      saved.stream('a').stream('sub').normal(),
      saved.stream('new').float(),
    ];

    const resumed = new RandomStreams(99);
    const early = when === 'before' ? resumed.stream('a') : undefined;
    const earlySub = when === 'before' ? resumed.stream('a/sub') : undefined;
    early?.normal();
    resumed.restore(state);
    const a = resumed.stream('a');
    if (early !== undefined) expect(a).toBe(early);
    const sub = earlySub ?? a.stream('sub');
    expect([a.normal(), sub.normal(), resumed.stream('new').float()]).toEqual(expected);
    expect(resumed.seed).toBe(5);
  });

  it('keeps the position of a restored stream that nobody has asked for yet', () => {
    const saved = new RandomStreams(5);
    saved.stream('rare').uint32();
    const middle = new RandomStreams(5);
    middle.restore(saved.state());
    expect(middle.state()).toEqual(saved.state());
  });

  it('puts a stream that the state does not know at its beginning', () => {
    const streams = new RandomStreams(5);
    const first = streams.stream('a').uint32();
    streams.restore({ seed: 5, positions: {} });
    expect(streams.stream('a').uint32()).toBe(first);
  });

  it('survives a stream named __proto__', () => {
    const saved = new RandomStreams(5);
    saved.stream('__proto__').uint32();
    const expected = saved.state();
    const resumed = new RandomStreams(5);
    resumed.restore(throughJson(expected));
    expect(resumed.stream('__proto__').position).toBe(1);
  });

  it.each([
    null,
    {},
    { seed: 0.5, positions: {} },
    { seed: 1 },
    { seed: 1, positions: { a: -1 } },
    { seed: 1, positions: { a: '3' } },
  ])('refuses %j and stays as it was', (state) => {
    const streams = new RandomStreams(5);
    streams.stream('a').uint32();
    const before = streams.state();
    expect(() => streams.restore(state as unknown as RandomStreamsState)).toThrow(
      expect.objectContaining({ code: 'HKL_RANDOM_STATE' }) as Error,
    );
    expect(streams.state()).toEqual(before);
  });
});
