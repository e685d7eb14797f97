import { cac, type CAC, type Command } from 'cac';
import { suggestName, VERSION } from '@hookline/core';
import { usageError } from './usage-error.ts';

/** A command line that is understood: which command, with what. */
export interface CommandLine {
  readonly command: string;
  /** The trainer file, for commands that take one. */
  readonly file: string;
  /** The images of `predict`. */
  readonly images: readonly string[];
  /** Each `key=value`. */
  readonly set: readonly string[];
  readonly text: Readonly<Record<'output' | 'device' | 'checkpoint' | 'from' | 'score', string | undefined>>;
  /** Whose state a checkpoint may lack or have left over. */
  readonly allowMismatch: readonly string[];
  readonly flag: Readonly<Record<'resume' | 'graph' | 'json' | 'tta' | 'force' | 'brief' | 'debug', boolean>>;
}

const SET = ['--set <key=value>', 'Change a value of the config; may be given several times'] as const;
const OUTPUT = ['--output <dir>', "The run's folder (short for --set output=...)"] as const;
const DEVICE = ['--device <device>', 'auto, gpu, cpu, webgpu or wasm (short for --set device=...)'] as const;

const ALLOW_MISMATCH = [
  '--allow-mismatch <names>',
  'Plugins (also: optimizer, data) whose state the checkpoint may lack or have left over, such as ema,loss-scaling',
] as const;

function define(): CAC {
  const cli = cac('hookline');
  cli
    .command('train <file>', 'Train with a trainer file')
    .option(...SET)
    .option('--resume', 'Go on with the latest checkpoint of the output folder')
    .option(...ALLOW_MISMATCH)
    .option(...OUTPUT)
    .option(...DEVICE)
    .example('hookline train trainer.ts --set solver.maxIterations=500 --output runs/short');
  cli
    .command('eval <file>', 'Evaluate a checkpoint: the latest one of the output folder, or a given one')
    .option(...SET)
    .option('--checkpoint <file>', 'The checkpoint to evaluate')
    .option(...ALLOW_MISMATCH)
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print the results as one line of JSON');
  cli
    .command('predict <file> [...images]', 'Detect objects in images, and write pictures with what was found')
    .option(...SET)
    .option('--checkpoint <file>', 'The checkpoint to use (default: the latest one of the output folder)')
    .option(...ALLOW_MISMATCH)
    .option('--score <number>', 'Leave out what is less certain, from 0 to 1 (default: 0.4)')
    .option('--tta', 'Look at each image in several views')
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print the detections, as one line of JSON per image')
    .example('hookline predict trainer.ts --checkpoint runs/a/model_final.safetensors street.jpg');
  cli
    .command('inspect <file>', 'Show plugins with their order and reasons, hooks with their taps, and services')
    .option(...SET)
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--graph', 'Show the captured step: ops before and after the passes, casts, inputs, variables')
    .option('--json', 'Print everything, and the config, as JSON');
  cli
    .command('setup', 'Get the fastest runtime that this machine allows')
    .option('--force', 'Build again, even where the runtime works')
    .option('--from <wheel>', 'A TensorFlow wheel to use before anything else')
    .option('--brief', 'Print one line: what will be used, and why');
  cli
    .command('doctor', 'Show which runtime will be used, why, and what would be faster')
    .option('--json', 'Print everything as JSON');
  cli.option('--debug', 'Show stacks of errors');
  cli.help();
  cli.version(VERSION);
  return cli;
}

/**
 * Reads the command line.
 *
 * @param argv without Node and script
 * @returns undefined when help or the version was asked for, and has been printed
 * @throws HooklineError `HKL_USAGE`
 */
export function readCommandLine(argv: readonly string[]): CommandLine | undefined {
  const cli = define();
  cli.parse(['node', 'hookline', ...argv], { run: false });
  const options: Readonly<Record<string, unknown>> = cli.options;
  const command = cli.matchedCommand;
  // cac has printed already.
  if (options['help'] === true || (options['version'] === true && command === undefined)) return undefined;
  if (command === undefined) throw unknownCommand(cli);
  checkOptions(command, cli);
  checkArguments(command, cli.args);
  const text = (name: string): string | undefined => {
    const value = options[name];
    // cac turns what looks like a number into one.
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  return {
    command: command.name,
    file: cli.args[0] ?? '',
    images: cli.args.slice(1),
    set: options['set'] === undefined ? [] : [options['set']].flat().map(String),
    text: {
      output: text('output'),
      device: text('device'),
      checkpoint: text('checkpoint'),
      from: text('from'),
      score: text('score'),
    },
    allowMismatch: (text('allowMismatch') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    flag: {
      resume: options['resume'] === true,
      graph: options['graph'] === true,
      json: options['json'] === true,
      tta: options['tta'] === true,
      force: options['force'] === true,
      brief: options['brief'] === true,
      debug: options['debug'] === true,
    },
  };
}

function unknownCommand(cli: CAC): Error {
  const names = cli.commands.map(({ name }) => name);
  const [given] = cli.args;
  if (given === undefined)
    return usageError('no command is given', `Known: ${names.join(', ')}; see \`hookline --help\``);
  return usageError(`there is no command "${given}"`, suggestion(given, names));
}

function checkOptions(command: Command, cli: CAC): void {
  const known = [...command.options, ...cli.globalCommand.options];
  const names = known.flatMap((option) => option.names);
  for (const [name, value] of Object.entries<unknown>(cli.options)) {
    if (name === '--') continue;
    const option = known.find((candidate) => candidate.names.includes(name));
    if (option === undefined) {
      const dashes = (key: string): string => (key.length === 1 ? `-${key}` : `--${key}`);
      const fix = suggestion(name, names, dashes);
      throw usageError(`there is no option ${dashes(name)} of ${command.name}`, fix);
    }
    const takesValue = option.required === true;
    const values = [value].flat();
    if (takesValue && values.some((each) => typeof each === 'boolean')) {
      throw usageError(`option --${name} needs a value`, `Write ${option.rawName}`);
    }
    if (name !== 'set' && values.length > 1) throw usageError(`option --${name} is given twice`, 'Give it once');
    if (!takesValue && typeof value !== 'boolean') {
      throw usageError(`option --${name} takes no value`, `Leave "${String(value)}" out, or put it first`);
    }
  }
}

function checkArguments({ name, args }: Command, given: readonly string[]): void {
  if (args.length > 0 && given.length === 0) {
    throw usageError('no trainer file is given', `Write hookline ${name} FILE, such as examples/scenes/trainer.ts`);
  }
  if (given.length <= args.length || args.some(({ variadic }) => variadic)) return;
  const extra = given.slice(args.length).join(' ');
  throw usageError(`"${extra}" is too much`, extra.includes('=') ? `Write --set ${extra}` : 'Leave it out');
}

function suggestion(name: string, known: readonly string[], show = (key: string) => key): string {
  const near = suggestName(name, known);
  const list = `Known: ${known.map(show).join(', ')}`;
  return near === undefined ? list : `Did you mean ${show(near)}? ${list}`;
}
