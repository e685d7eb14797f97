import { inEvalMode } from './in-eval-mode.ts';

it('evaluates in eval mode and restores the mode', () => {
  const model = { training: true };
  expect(inEvalMode(model, () => model.training)).toBe(false);
  expect(model.training).toBe(true);
  inEvalMode(model, () => inEvalMode(model, () => undefined));
  expect(model.training).toBe(true);
});

it('keeps a model that was already in eval mode in it', () => {
  const model = { training: false };
  inEvalMode(model, () => undefined);
  expect(model.training).toBe(false);
});

it('restores the mode after errors', async () => {
  const model = { training: true };
  const fail = (): never => {
    throw new Error('on purpose');
  };
  expect(() => inEvalMode(model, fail)).toThrow('on purpose');
  expect(model.training).toBe(true);
  await expect(inEvalMode(model, () => Promise.reject(new Error('later')))).rejects.toThrow('later');
  expect(model.training).toBe(true);
});

it('waits for a promise', async () => {
  const model = { training: true };
  const seen = await inEvalMode(model, async () => {
    await Promise.resolve();
    return model.training;
  });
  expect([seen, model.training]).toEqual([false, true]);
});
