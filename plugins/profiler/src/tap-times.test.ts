import { type Span, TapTimes } from './tap-times.ts';

describe('TapTimes', () => {
  it('counts time once: what runs within a span is not its own', () => {
    let now = 0;
    const spans: Span[] = [];
    const times = new TapTimes(
      (span) => spans.push(span),
      () => now,
    );
    const at = (time: number, what: 'enter' | 'leave', owner: string, part: string) => {
      now = time;
      times[what](owner, part);
    };
    at(0, 'enter', 'evaluator', 'afterStep');
    at(2, 'enter', 'accuracy', 'evaluate');
    at(5, 'leave', 'accuracy', 'evaluate');
    at(6, 'enter', 'accuracy', 'evaluate');
    at(7, 'leave', 'accuracy', 'evaluate');
    at(10, 'leave', 'evaluator', 'afterStep');
    expect(times.totals).toEqual([
      { owner: 'evaluator', part: 'afterStep', calls: 1, self: 6 },
      { owner: 'accuracy', part: 'evaluate', calls: 2, self: 4 },
    ]);
    expect(spans.map(({ owner, start, duration }) => [owner, start, duration])).toEqual([
      ['accuracy', 2, 3],
      ['accuracy', 6, 1],
      ['evaluator', 0, 10],
    ]);
  });

  it('passes over what was entered before it began', () => {
    const times = new TapTimes(() => undefined);
    times.leave('early', 'beforeStep');
    expect(times.totals).toEqual([]);
  });
});
