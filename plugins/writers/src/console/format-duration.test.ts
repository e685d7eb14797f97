import { formatDuration, formatShortDuration } from './format-duration.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0:00:00', '0:00'],
    [80.9, '0:01:20', '1:20'],
    [754, '0:12:34', '12:34'],
    [3723, '1:02:03', '1:02:03'],
    [86_400 + 61, '1 day, 0:01:01', '1 day, 0:01:01'],
    [2 * 86_400, '2 days, 0:00:00', '2 days, 0:00:00'],
    [-1, '0:00:00', '0:00'],
  ])('of %p seconds is %p, short %p', (seconds, long, short) => {
    expect(formatDuration(seconds)).toBe(long);
    expect(formatShortDuration(seconds)).toBe(short);
  });
});
