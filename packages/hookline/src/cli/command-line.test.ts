import { readCommandLine } from './command-line.ts';

describe('readCommandLine', () => {
  it('collects every --set, in order, and the rest', () => {
    const given = readCommandLine(['train', 'a.ts', '--set', 'a.b=1', '--set', 'c=x=y', '--resume', '--output', '12']);
    expect(given).toMatchObject({
      command: 'train',
      file: 'a.ts',
      set: ['a.b=1', 'c=x=y'],
      text: { output: '12', device: undefined },
      flag: { resume: true, json: false },
    });
  });

  it('takes options in front of the file, and values after =', () => {
    expect(readCommandLine(['inspect', '--json', 'a.ts', '--device=wasm'])).toMatchObject({
      file: 'a.ts',
      text: { device: 'wasm' },
      flag: { json: true },
    });
  });

  it('takes images behind the file of predict', () => {
    const given = readCommandLine(['predict', 'a.ts', '--tta', 'x.jpg', '--score', '0.5', 'y.jpg']);
    expect(given).toMatchObject({
      file: 'a.ts',
      images: ['x.jpg', 'y.jpg'],
      text: { score: '0.5' },
      flag: { tta: true },
    });
  });

  it.each([
    [[], '[HKL_USAGE] hookline: no command is given. Known: train, eval, predict, inspect, setup, doctor;'],
    [['trian', 'a.ts'], 'there is no command "trian". Did you mean train?'],
    [['train'], 'no trainer file is given. Write hookline train FILE'],
    [['train', 'a.ts', '--resum'], 'there is no option --resum of train. Did you mean --resume?'],
    [['doctor', '--resume'], 'there is no option --resume of doctor.'],
    [['train', 'a.ts', '--set'], 'option --set needs a value. Write --set <key=value>'],
    [['train', 'a.ts', '--output'], 'option --output needs a value. Write --output <dir>'],
    [['train', 'a.ts', '--output', 'x', '--output', 'y'], 'option --output is given twice'],
    [['train', 'a.ts', 'solver.baseLr=1'], '"solver.baseLr=1" is too much. Write --set solver.baseLr=1'],
    [['inspect', 'a.ts', 'b.ts'], '"b.ts" is too much. Leave it out'],
    [['setup', 'now'], '"now" is too much'],
  ])('refuses %j', (argv, message) => {
    expect(() => readCommandLine(argv)).toThrow(message);
  });
});
