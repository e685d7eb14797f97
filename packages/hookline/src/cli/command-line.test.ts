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

  it('keeps values as they are written, also those that look like numbers', () => {
    const argv = ['train', '--resume', 'a.ts', '--output', '007', '--set', 'a=', '--device=1e3', '--debug'];
    expect(readCommandLine(argv)).toMatchObject({
      file: 'a.ts',
      set: ['a='],
      text: { output: '007', device: '1e3' },
      flag: { resume: true, debug: true },
    });
    expect(readCommandLine(['train', '--set', 'a=-1', '--output=-x', '--', '-a.ts'])).toMatchObject({
      file: '-a.ts',
      set: ['a=-1'],
      text: { output: '-x' },
    });
  });

  it.each([
    ['train', ['--allow-mismatch', 'ema, optimizer', '--resume']],
    ['train', ['--allow-mismatch', 'ema, optimizer', '--weights', 'x.safetensors']],
    ['eval', ['--allow-mismatch=ema,optimizer']],
    ['predict', ['--allow-mismatch', 'ema,optimizer']],
  ])('takes --allow-mismatch of %s in each way of writing it', (command, option) => {
    expect(readCommandLine([command, 'a.ts', ...option])).toMatchObject({ allowMismatch: ['ema', 'optimizer'] });
  });

  it('takes the number of processes in each way of writing it', () => {
    for (const words of [['-n', '2'], ['-n2'], ['--ranks', '2'], ['--ranks=2']])
      expect(readCommandLine(['launch', ...words, 'a.ts', '--all-output'])).toMatchObject({
        command: 'launch',
        file: 'a.ts',
        text: { ranks: '2', hosts: undefined },
        flag: { allOutput: true },
      });
    expect(() => readCommandLine(['launch', '-n'])).toThrow(/option --ranks needs a value/);
  });

  it('tells --cuda, --no-cuda and neither apart', () => {
    expect(readCommandLine(['setup'])?.cuda).toBeUndefined();
    expect(readCommandLine(['setup', '--cuda'])?.cuda).toBe(true);
    expect(readCommandLine(['setup', '--no-cuda', '--brief'])?.cuda).toBe(false);
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
    [
      [],
      '[HKL_USAGE] hookline: no command is given. Known: train, launch, lr-finder, batch-size, eval, predict, export, convert, inspect, data, setup, doctor;',
    ],
    [['trian', 'a.ts'], 'there is no command "trian". Did you mean train?'],
    [['setup', '--cuda', '--no-cuda'], '--cuda and --no-cuda exclude each other. Give one of them.'],
    [['setup', '--cuda=12'], 'option --cuda takes no value'],
    [['train', 'a.ts', '--no-cuda'], 'there is no option --no-cuda of train'],
    [
      ['train', 'a.ts', '--allow-mismatch', 'ema'],
      '--allow-mismatch only applies to resuming a run. Add --resume, or leave it out.',
    ],
    [['train', 'a.ts', '--alow-mismatch', 'ema'], 'no option --alow-mismatch of train. Did you mean --allow-mismatch?'],
    [['train'], 'no trainer file is given. Write hookline train FILE'],
    [['train', 'a.ts', '--resum'], 'there is no option --resum of train. Did you mean --resume?'],
    [['doctor', '--resume'], 'there is no option --resume of doctor.'],
    [['train', 'a.ts', '--set'], 'option --set needs a value. Write --set <key=value>'],
    [['train', 'a.ts', '--output'], 'option --output needs a value. Write --output <dir>'],
    [['train', 'a.ts', '--output', 'x', '--output', 'y'], 'option --output is given twice'],
    [['train', 'a.ts', 'solver.baseLr=1'], 'unexpected argument "solver.baseLr=1". Write --set solver.baseLr=1'],
    [['inspect', 'a.ts', 'b.ts'], 'unexpected argument "b.ts". Leave it out'],
    [['data'], 'no folder is given. Write hookline data FOLDER'],
    [['data', 'a', 'b', 'c'], 'unexpected argument "c". Leave it out'],
    [['data', 'a', '--to'], 'option --to needs a value. Write --to <format>'],
    [['setup', 'now'], 'unexpected argument "now"'],
    // Each of these was once accepted silently, as something else or as nothing.
    [['train', 'a.ts', '--output.x=1'], 'there is no option --output.x of train. Write --set output.x=1'],
    [['train', 'a.ts', '--seed.x', '3'], 'there is no option --seed.x of train. Write --set seed.x=VALUE'],
    [['train', 'a.ts', '--no-resume'], 'there is no option --no-resume of train.'],
    [['train', 'a.ts', '--no-output'], 'there is no option --no-output of train.'],
    [['train', 'a.ts', '--resume', '--resume'], 'option --resume is given twice'],
    [['train', 'a.ts', '--resume=false'], 'option --resume takes no value. Leave "=false" out'],
    [['train', 'a.ts', '--set='], 'option --set needs a value'],
    [['train', 'a.ts', '--set', 'solver'], '--set solver is not an assignment. Write --set key.path=value'],
    [['train', 'a.ts', '--set==1'], '--set =1 is not an assignment'],
    [['train', 'a.ts', '--output='], 'option --output needs a value'],
    [['train', 'a.ts', '--output', '--resume'], 'option --output needs a value'],
    [['train', 'a.ts', '-o', 'x'], 'there is no option -o of train'],
    [['train', 'a.ts', '--resume.x'], 'there is no option --resume.x of train'],
    [['train', 'a.ts', '--debug.x=1'], 'there is no option --debug.x of train'],
    [['train', ''], 'no trainer file is given'],
  ])('refuses %j', (argv, message) => {
    expect(() => readCommandLine(argv)).toThrow(message);
  });
});
