import { formatDuration } from './format-duration.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0:00:00'],
    [0.999, '0:00:00'],
    [80.4, '0:01:20'],
    [3599, '0:59:59'],
    [3600, '1:00:00'],
    [100 * 3600 + 61, '100:01:01'],
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});
