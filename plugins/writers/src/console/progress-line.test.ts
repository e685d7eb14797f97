import { bar, formatEta, progressLine } from './progress-line.ts';

const full = { done: 450, total: 1000, loss: 0.213, lr: 1e-3, secondsPerStep: 0.0123, eta: 42 };

describe('progressLine', () => {
  it('shows everything within 80 columns, one less than the terminal has', () => {
    const line = progressLine(full);
    expect(line).toBe('[=========>          ]  450/1000  loss 0.213  lr 1.0e-3  12.3 ms/step  eta 0:42');
    expect(line.length).toBeLessThan(80);
  });

  it('never fills the terminal, however narrow; the count goes last', () => {
    for (let columns = 20; columns <= 200; columns++) expect(progressLine(full, columns).length).toBeLessThan(columns);
    expect(progressLine(full, 60)).toBe('[====>      ]  450/1000  loss 0.213  12.3 ms/step  eta 0:42');
    expect(progressLine(full, 36)).toContain('eta 0:42');
    expect(progressLine(full, 24)).toBe('[====>      ]  450/1000');
    expect(progressLine(full, 14)).toBe(' 450/1000');
  });

  it('shows metrics after the loss, as many as there is room for', () => {
    const metrics = new Map([
      ['accuracy', 0.91],
      ['top3', 0.975],
      ['unknown', undefined],
    ]);
    expect(progressLine({ ...full, metrics }, 110)).toContain(
      '450/1000  loss 0.213  accuracy 0.91  top3 0.975  lr 1.0e-3  12',
    );
    expect(progressLine({ ...full, metrics }, 80)).toContain('  loss 0.213  accuracy 0.91  12.3 ms/step  eta 0:42');
  });

  it('shows the epoch after the count, and gives it up first', () => {
    expect(progressLine({ ...full, epoch: 2.449 }, 92)).toContain('450/1000  epoch 2.4  loss 0.213  lr 1.0e-3');
    expect(progressLine({ ...full, epoch: 2.449 }, 76)).toContain('450/1000  loss 0.213  lr 1.0e-3');
  });

  it('leaves out what is unknown and knows slow steps', () => {
    expect(progressLine({ done: 0, total: 10 })).toBe(`[>${' '.repeat(23)}]  0/10`);
    expect(progressLine({ done: 1, total: 2, secondsPerStep: 12.34 })).toContain('12.3 s/step');
    expect(progressLine({ done: 1, total: 2, secondsPerStep: 0.00042 })).toContain('0.42 ms/step');
    expect(progressLine({ done: 1, total: 2, lr: 0 })).toContain('lr 0');
  });

  it('draws a bar of constant width', () => {
    expect(bar(0, 4)).toBe('[>   ]');
    expect(bar(0.5, 4)).toBe('[==> ]');
    expect(bar(1, 4)).toBe('[====]');
    expect(bar(7, 4)).toBe('[====]');
  });
});

it.each([
  [0, '0:00'],
  [80.9, '1:20'],
  [754, '12:34'],
  [3723, '1:02:03'],
  [86_400 + 61, '1 day, 0:01:01'],
  [2 * 86_400, '2 days, 0:00:00'],
  [-1, '0:00'],
])('a remaining time of %p seconds is shown as %p', (seconds, text) => expect(formatEta(seconds)).toBe(text));
