import { Timer } from './timer.ts';

/** A fake clock in milliseconds that only the test moves. */
const clock = () => {
  const at = { ms: 1000 };
  return { at, timer: new Timer(() => at.ms) };
};

describe('Timer', () => {
  it('runs from its construction on and leaves pauses out', () => {
    const { at, timer } = clock();
    at.ms += 250;
    expect(timer.seconds()).toBe(0.25);
    timer.pause();
    at.ms += 10_000;
    expect(timer.seconds()).toBe(0.25);
    timer.resume();
    at.ms += 500;
    expect(timer.seconds()).toBe(0.75);
  });

  it('gives the mean of its stretches', () => {
    const { at, timer } = clock();
    at.ms += 1000;
    timer.pause();
    timer.resume();
    at.ms += 3000;
    expect(timer.averageSeconds()).toBe(2);
    timer.pause();
    expect(timer.averageSeconds()).toBe(2);
  });

  it('begins anew when reset, also while paused', () => {
    const { at, timer } = clock();
    at.ms += 1000;
    timer.pause();
    timer.reset();
    expect(timer.paused).toBe(false);
    at.ms += 125;
    expect(timer.seconds()).toBe(0.125);
    expect(timer.averageSeconds()).toBe(0.125);
  });

  it('refuses to pause or resume twice', () => {
    const { timer } = clock();
    expect(() => timer.resume()).toThrow(/\[HKL_TIMER_STATE\] Timer: the timer is running already/);
    timer.pause();
    expect(() => timer.pause()).toThrow(/\[HKL_TIMER_STATE\] Timer: the timer is paused already/);
  });

  it('uses a clock of its own by default', async () => {
    const timer = new Timer();
    const before = performance.now();
    await new Promise((done) => setTimeout(done, 5));
    const atLeast = (performance.now() - before) / 1000;
    expect(timer.seconds()).toBeGreaterThanOrEqual(atLeast);
  });
});
