import { trainArguments } from './train-arguments.ts';
import { findMpirun } from './find-mpirun.ts';
import { JobOutput } from './job-output.ts';
import { mpiArguments, ranksPerMachine } from './mpi-command.ts';
import { shareMachine } from './prepare-rank.ts';
import { markOutput } from './rank-output.ts';

describe('the command line of a job', () => {
  const job = {
    ...{ ranks: 4, hosts: undefined, isCrowded: true, isRoot: true },
    ...{ command: ['node', 'hookline.js', 'train', 'a.ts'], env: { HOOKLINE_X: 'y z' } },
  };

  it('is what each kind of mpirun takes', () => {
    expect(mpiArguments({ kind: 'openmpi' }, job).join(' ')).toBe(
      '-n 4 --bind-to none --oversubscribe --allow-run-as-root --mca mpi_yield_when_idle 1 -x HOOKLINE_X=y z node hookline.js train a.ts',
    );
    const spread = { ...job, hosts: 'a:2,b:2', isCrowded: false, isRoot: false };
    expect(mpiArguments({ kind: 'openmpi' }, spread).join(' ')).toBe(
      '-n 4 --bind-to none --host a:2,b:2 -x HOOKLINE_X=y z node hookline.js train a.ts',
    );
    expect(mpiArguments({ kind: 'mpich' }, spread).join(' ')).toBe(
      '-n 4 -hosts a:2,b:2 -genv HOOKLINE_X y z node hookline.js train a.ts',
    );
    expect([ranksPerMachine(4, undefined), ranksPerMachine(5, 'a:2,b:3'), ranksPerMachine(2, 'a,b')]).toEqual([
      4, 3, 1,
    ]);
  });

  it('hands the options of train on, and keeps its own', () => {
    expect(trainArguments(['launch', '-n', '2', 'a.ts', '--resume', '--hosts=a:1,b:1', '--set', 'x=1'])).toEqual([
      'train',
      'a.ts',
      '--resume',
      '--set',
      'x=1',
    ]);
    expect(
      trainArguments(['launch', '-n2', '--all-output', '--hosts', 'a', '--output', 'launch', '--', '-n.ts']),
    ).toEqual(['train', '--output', 'launch', '--', '-n.ts']);
  });

  it('needs an mpirun, and says what to install', () => {
    expect(() => findMpirun({ PATH: '/nowhere' })).toThrow(/HKL_MPI_MISSING.*openmpi-bin libopenmpi-dev/);
    expect(() => findMpirun({ ...process.env, HOOKLINE_MPIRUN: process.execPath })).toThrow(/HKL_MPI_UNKNOWN/);
  });
});

describe('the share of a rank', () => {
  const place = { rank: 3, localRank: 1, localSize: 2 };

  it('is its part of the cores, and one GPU', () => {
    const env: NodeJS.ProcessEnv = {};
    shareMachine(place, env, { cores: 9, gpus: 2 });
    expect(env).toEqual({ TF_NUM_INTRAOP_THREADS: '4', TF_NUM_INTEROP_THREADS: '4', CUDA_VISIBLE_DEVICES: '1' });
    const chosen = { TF_NUM_INTRAOP_THREADS: '8', CUDA_VISIBLE_DEVICES: '5,7' };
    shareMachine(place, chosen, { cores: 9, gpus: 8 });
    expect(chosen).toEqual({ TF_NUM_INTRAOP_THREADS: '8', CUDA_VISIBLE_DEVICES: '7' });
  });

  it('stays what a job manager has given, and is refused where there are too few GPUs', () => {
    const given = { TF_NUM_INTRAOP_THREADS: '1', CUDA_VISIBLE_DEVICES: '3' };
    shareMachine(place, given, { cores: 1, gpus: 8 });
    expect(given.CUDA_VISIBLE_DEVICES).toBe('3');
    const bySlurm: NodeJS.ProcessEnv = { SLURM_CPUS_PER_TASK: '8' };
    shareMachine(place, bySlurm, { cores: 8, gpus: 0 });
    expect(bySlurm).toMatchObject({ TF_NUM_INTRAOP_THREADS: '8' });
    expect(() => shareMachine({ ...place, localSize: 3 }, {}, { cores: 4, gpus: 2 })).toThrow(
      /HKL_RANK_GPUS.*rank 3: 3 ranks would share 2 GPUs/,
    );
  });
});

describe('what ranks write', () => {
  const streams = () => {
    const written: string[] = [];
    const stream = () => ({
      write: ((text: string, done?: () => void) => {
        written.push(text);
        done?.();
        return true;
      }) as NodeJS.WriteStream['write'],
    });
    return { written, stdout: stream(), stderr: stream() };
  };

  it('names the rank on each line of standard error, and is nothing on standard output but for the first rank', () => {
    const { written, stdout, stderr } = streams();
    const stop = markOutput({ rank: 1 }, false, { stdout, stderr });
    stdout.write('lost\n');
    stderr.write('half');
    stderr.write(' a line\nand another\n');
    stop();
    stdout.write('mine\n');
    expect(written.join('')).toBe('[rank 1] half a line\n[rank 1] and another\nmine\n');
  });

  it('tells when what is left out or held back has been taken', async () => {
    const { stdout, stderr } = streams();
    markOutput({ rank: 1 }, false, { stdout, stderr });
    await new Promise<void>((done) => void stdout.write('', () => done()));
    await new Promise<void>((done) => void stderr.write('', () => done()));
  });

  const shown = (...chunks: readonly string[]): { text: string; output: JobOutput } => {
    const parts: string[] = [];
    const output = new JobOutput((part) => void parts.push(part), false);
    for (const chunk of chunks) output.take(chunk);
    output.end();
    return { text: parts.join(''), output };
  };

  it('is shown once where several say the same', () => {
    const { text, output } = shown(
      '[rank 1] warning: old\n[rank 2] warning: odd\n',
      'warning: old\n[rank 2] warning: old\n',
    );
    expect(text).toBe('warning: old\n[rank 2] warning: odd\n');
    expect(output.repeated).toBe(2);
  });

  it('does not run into the progress line', () => {
    const { text } = shown('\r\u001b[Kiteration 5', '[rank 1] odd\n', '\r\u001b[Kiteration 6');
    expect(text).toBe('\r\u001b[Kiteration 5\r\u001b[Kiteration 6\r\u001b[K[rank 1] odd\n');
  });

  const dashes = '-'.repeat(74);

  it('is not what mpirun reports of a rank that has failed, which is kept', () => {
    const primary = `${dashes}\nPrimary job  terminated normally, but 1 process returned\na non-zero exit code.\n${dashes}\n`;
    const noticed = `${dashes}\nmpirun noticed that process rank 1 with PID 77 on node vm exited on signal 9 (Killed).\n${dashes}\n`;
    const { text, output } = shown(primary, noticed.slice(0, 90), noticed.slice(90), 'after\n');
    expect(text).toBe('after\n');
    expect(output.ends).toEqual([{ rank: 1, pid: 77, host: 'vm', signal: 9 }]);
    const equals = '='.repeat(83);
    const hydra = `${equals}\n=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   RANK 2 PID 5 RUNNING AT b\n=   KILLED BY SIGNAL: 9 (Killed)\n${equals}\n`;
    expect(shown(hydra).output.ends).toEqual([{ rank: 2, pid: 5, host: 'b', signal: 9 }]);
    // MPICH 4 names no rank; the ranks have said which processes they are.
    const hydra4 =
      `[hookline: rank 1 is process 5]\n${equals}\n=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   PID 5 RUNNING AT b\n=   EXIT CODE: 9\n=   CLEANING UP REMAINING PROCESSES\n${equals}\n` +
      'YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)\nThis typically refers to a problem with your application.\nPlease see the FAQ page for debugging suggestions\n';
    expect(shown(hydra4)).toMatchObject({ text: '', output: { ends: [{ rank: 1, pid: 5, host: 'b', signal: 9 }] } });
  });

  it('is let through where it only looks like that', () => {
    const table = `${dashes}\na table of mine\n${dashes}\n`;
    expect(shown(table).text).toBe(table);
    expect(shown(`${dashes}\nleft open\n`).text).toBe(`${dashes}\nleft open\n`);
  });
});
