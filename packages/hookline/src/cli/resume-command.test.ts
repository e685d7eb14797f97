import { resumeCommand } from './resume-command.ts';

describe('resumeCommand', () => {
  it('repeats the command, and asks to resume once', () => {
    const command = 'npx hookline train a.ts --set solver.baseLr=0.1 --resume';
    expect(resumeCommand(['train', 'a.ts', '--set', 'solver.baseLr=0.1'], {})).toBe(command);
    expect(resumeCommand(['train', 'a.ts', '--set', 'solver.baseLr=0.1', '--resume'], {})).toBe(command);
  });

  it('quotes for a shell, and keeps the device', () => {
    expect(resumeCommand(['train', "it's here.ts", '--set', 'a=$b'], { HOOKLINE_DEVICE: 'wasm' })).toBe(
      String.raw`HOOKLINE_DEVICE=wasm npx hookline train 'it'\''s here.ts' --set 'a=$b' --resume`,
    );
  });
});
