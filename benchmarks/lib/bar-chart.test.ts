import sharp from 'sharp';
import { barChart } from './bar-chart.ts';

it('draws bars with proportional lengths, each group on its own scale', async () => {
  const svg = barChart('Times', 'ms', [
    {
      title: 'a < b',
      bars: [
        { label: 'whole', value: 8, color: '#ff0000' },
        { label: 'half', value: 4, color: '#00ff00' },
      ],
    },
    { title: 'other', bars: [{ label: 'small', value: 0.012345, color: '#0000ff' }] },
  ]);
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('0.0123 ms');
  const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const widest = [0, 0, 0];
  for (let y = 0; y < info.height; y++) {
    const counts = [0, 0, 0];
    for (let x = 0; x < info.width; x++) {
      const [red, green, blue] = data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3);
      const pure = [red, green, blue].map((value) => value === 255);
      const dark = [red, green, blue].map((value) => value === 0);
      for (let channel = 0; channel < 3; channel++) {
        if (pure[channel] === true && dark.filter(Boolean).length === 2) counts[channel] = (counts[channel] ?? 0) + 1;
      }
    }
    for (let channel = 0; channel < 3; channel++)
      widest[channel] = Math.max(widest[channel] ?? 0, counts[channel] ?? 0);
  }
  const [whole = 0, half = 0, small = 0] = widest;
  expect(whole).toBeGreaterThan(400);
  expect(half / whole).toBeCloseTo(0.5, 1);
  expect(small).toBe(whole);
});
