import { alignNames } from './align-names.ts';

const align = (wanted: string[], given: string[]) => Object.fromEntries(alignNames(wanted, given));

it('alignNames takes the longest name that is a suffix of the wanted one', () => {
  const wanted = ['backbone/res2/conv/kernel', 'backbone.stem.bias', 'head/kernel', 'lonely'];
  const given = ['res2/conv/kernel', 'conv/kernel', 'stem.bias', 'head/kernel', 'other'];
  expect(align(wanted, given)).toEqual({
    'backbone/res2/conv/kernel': 'res2/conv/kernel',
    'backbone.stem.bias': 'stem.bias',
    'head/kernel': 'head/kernel',
  });
});

it('alignNames matches only whole parts of names, and no given name longer than the wanted one', () => {
  expect(align(['a/xconv'], ['conv'])).toEqual({});
  expect(align(['conv'], ['a/conv'])).toEqual({});
});

it('alignNames refuses to use one tensor for two variables', () => {
  expect(() => align(['a/conv', 'b/conv'], ['conv'])).toThrow(
    /\[HKL_NAMES_AMBIGUOUS\] alignNames: "conv" could stand for "a\/conv" and for "b\/conv"/,
  );
  expect(align(['a/conv', 'b/conv'], ['conv', 'b/conv'])).toEqual({ 'a/conv': 'conv', 'b/conv': 'b/conv' });
});
