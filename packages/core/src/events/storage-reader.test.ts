import { EventStorage } from './event-storage.ts';

describe('StorageReader', () => {
  it('gives each reader every value once, also several at one iteration', () => {
    const storage = new EventStorage();
    const [one, two] = [storage.reader(), storage.reader()];
    storage.putScalar('loss', 1);
    storage.putScalar('loss', 2);
    expect(one.read().scalars.map(({ value }) => value)).toEqual([1, 2]);
    storage.putScalar('loss', 3);
    expect(one.read().scalars.map(({ value }) => value)).toEqual([3]);
    expect(two.read().scalars.map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(one.read()).toEqual({ scalars: [], images: [], histograms: [], dropped: 0 });
  });

  it('loses nothing that is put late, at an iteration that was read before', () => {
    const storage = new EventStorage({ iteration: 19 });
    const reader = storage.reader();
    storage.putScalar('loss', 1);
    reader.read();
    storage.putScalar('accuracy', 0.9, { iteration: 19, smoothing: false });
    storage.putScalar('loss', 0.5, { iteration: 3 });
    expect(reader.read().scalars.map(({ name, value, iteration }) => [name, value, iteration])).toEqual([
      ['loss', 0.5, 3],
      ['accuracy', 0.9, 19],
    ]);
  });

  it('orders by iteration, and tells the smoothed value as of each', () => {
    const storage = new EventStorage();
    const reader = storage.reader();
    for (let i = 0; i < 4; i++) {
      storage.iteration = i;
      storage.putScalar('loss', [8, 1, 6, 2][i]!);
      storage.putScalar('lr', i, { smoothing: false });
    }
    const { scalars } = reader.read();
    expect(scalars.map(({ iteration }) => iteration)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    const losses = scalars.filter(({ name }) => name === 'loss');
    expect(losses.map((event) => event.smoothed())).toEqual([8, 4.5, 6, 4]);
    expect(losses.map((event) => event.smoothed(2))).toEqual([8, 4.5, 3.5, 4]);
    expect(scalars.filter(({ name }) => name === 'lr').map((event) => event.smoothed())).toEqual([0, 1, 2, 3]);
  });

  it('tells how many values were gone before it came', () => {
    const storage = new EventStorage({ historyLimit: 3 });
    const reader = storage.reader();
    for (let i = 0; i < 5; i++) storage.putScalar('loss', i);
    const batch = reader.read();
    expect(batch.scalars.map(({ value }) => value)).toEqual([2, 3, 4]);
    expect(batch.dropped).toBe(2);
    expect(reader.read().dropped).toBe(0);
  });

  it('counts nothing as read when a value is still on its way', async () => {
    const storage = new EventStorage();
    const reader = storage.reader();
    storage.putScalar('a', 1);
    storage.putScalar('b', { read: () => Promise.resolve(2) });
    expect(() => reader.read()).toThrow(expect.objectContaining({ code: 'HKL_SCALAR_PENDING' }) as Error);
    await storage.resolve();
    expect(reader.read().scalars.map(({ value }) => value)).toEqual([1, 2]);
  });

  it('skips what is there when asked to, without reading it', () => {
    const storage = new EventStorage();
    let reads = 0;
    const lazy = { read: () => ++reads };
    storage.putScalar('loss', lazy);
    storage.putHistogram('h', [1]);
    const reader = storage.reader();
    reader.skip();
    expect(reads).toBe(0);
    storage.putScalar('loss', 9);
    const batch = reader.read();
    expect(batch.scalars.map(({ value }) => value)).toEqual([9]);
    expect(batch.histograms).toEqual([]);
  });

  it('hands images and histograms to each reader, and keeps them only until all have them', () => {
    const image = { data: new Uint8Array(100), height: 10, width: 10, channels: 1 };
    const storage = new EventStorage({ mediaBytes: 350 });
    const [fast, slow] = [storage.reader(), storage.reader()];
    for (let i = 0; i < 3; i++) storage.putImage(`i${i}`, image, { iteration: i });
    expect(fast.read().images.map(({ name, iteration }) => [name, iteration])).toEqual([
      ['i0', 0],
      ['i1', 1],
      ['i2', 2],
    ]);
    expect(fast.read().images).toEqual([]);
    // A third reader finds what the slow one has not had yet.
    expect(storage.reader().read().images).toHaveLength(3);
    for (let i = 3; i < 5; i++) storage.putImage(`i${i}`, image);
    const late = slow.read();
    expect(late.images.map(({ name }) => name)).toEqual(['i2', 'i3', 'i4']);
    expect(late.dropped).toBe(2);
  });

  it('that is closed holds nothing back', () => {
    const storage = new EventStorage();
    const [open, closed] = [storage.reader(), storage.reader()];
    storage.putHistogram('h', [1, 2]);
    closed.close();
    open.read();
    expect(storage.reader().read()).toMatchObject({ histograms: [], dropped: 1 });
  });
});
