import { parseArgs } from 'node:util';
import { cac, type CAC, type Command } from 'cac';
import { suggestName, VERSION } from '@hookline/core';
import { usageError } from './usage-error.ts';

/** A parsed command line. */
export interface CommandLine {
  readonly command: string;
  /** The trainer file; for `data`, the folder. */
  readonly file: string;
  /** The images of `predict`; for `data`, the folder to write to; for `convert`, the file to write. */
  readonly images: readonly string[];
  /** Each `key=value`. */
  readonly set: readonly string[];
  readonly text: Readonly<
    Record<
      | 'output'
      | 'device'
      | 'checkpoint'
      | 'from'
      | 'score'
      | 'format'
      | 'pictures'
      | 'images'
      | 'outside'
      | 'to'
      | 'batch'
      | 'weights'
      | 'ranks'
      | 'hosts'
      | 'diff'
      | 'overfit'
      | 'minRate'
      | 'maxRate'
      | 'steps'
      | 'max'
      | 'at',
      string | undefined
    >
  >;
  /** Names whose state the checkpoint may lack or have in excess. */
  readonly allowMismatch: readonly string[];
  readonly flag: Readonly<
    Record<
      'resume' | 'graph' | 'json' | 'tta' | 'ema' | 'force' | 'brief' | 'debug' | 'allOutput' | 'fastDevRun',
      boolean
    >
  >;
  /** `--cuda` or `--no-cuda`; undefined if neither is given. */
  readonly cuda: boolean | undefined;
}

const SET = ['--set <key=value>', 'Change a value of the config; can be given several times'] as const;
const OUTPUT = ['--output <dir>', "The run's folder (short for --set output=...)"] as const;
const DEVICE = ['--device <device>', 'auto, gpu, cpu, webgpu or wasm (short for --set device=...)'] as const;

const RESUME = ['--resume', 'Resume from the latest checkpoint of the output folder'] as const;
const WEIGHTS = [
  '--weights <file>',
  'Start from these weights: a checkpoint, safetensors, Keras or TensorFlow.js; see docs/pretrained-weights.md',
] as const;

const ALLOW_MISMATCH = [
  '--allow-mismatch <names>',
  'Plugins (or: optimizer, data, weights) whose state may be missing, left over or mismatched, such as ema,loss-scaling',
] as const;

function define(): CAC {
  const cli = cac('hookline');
  cli
    .command('train <file>', 'Train with a trainer file')
    .option(...SET)
    .option(...RESUME)
    .option(...WEIGHTS)
    .option('--fast-dev-run', 'Run two steps, an evaluation and a checkpoint as a test, and keep nothing')
    .option(
      '--overfit <count>',
      'Train on the first batches again and again, in a separate folder; a model that can learn memorizes them',
    )
    .option(...ALLOW_MISMATCH)
    .option(...OUTPUT)
    .option(...DEVICE)
    .example('hookline train trainer.ts --set solver.maxIterations=500 --output runs/short');
  cli
    .command('launch <file>', 'Train as several processes, started by mpirun; accepts the options of train')
    .option('-n, --ranks <count>', 'Number of processes')
    .option('--hosts <hosts>', 'Machines with their numbers of processes: a:4,b:4 (default: this machine)')
    .option('--all-output', 'Show the output of every process, not only the first')
    .option(...SET)
    .option(...RESUME)
    .option(...WEIGHTS)
    .option(...ALLOW_MISMATCH)
    .option(...OUTPUT)
    .option(...DEVICE)
    .example('hookline launch -n 4 trainer.ts --output runs/four');
  cli
    .command(
      'lr-finder <file>',
      'Find a learning rate: run some steps with a growing rate, draw the losses and suggest a rate',
    )
    .option(...SET)
    .option('--min-rate <number>', 'Learning rate of the first step (default: 1e-7)')
    .option('--max-rate <number>', 'Learning rate of the last step (default: 10)')
    .option('--steps <count>', 'Number of steps, at least 10 (default: 100)')
    .option(...WEIGHTS)
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print the points and the suggestion as JSON')
    .example('hookline lr-finder trainer.ts --min-rate 1e-5 --max-rate 1');
  cli
    .command(
      'batch-size <file>',
      'Find a batch size: try doubled sizes, each in a separate process, and compare samples per second',
    )
    .option(...SET)
    .option('--max <count>', 'Largest size to try (default: 1024)')
    .option('--steps <count>', 'Number of timed steps per size (default: 10)')
    .option('--at <count>', 'Time only this size, in this process')
    .option(...DEVICE)
    .option('--json', 'Print the sizes and the suggestion as JSON')
    .example('hookline batch-size trainer.ts --max 256');
  cli
    .command('eval <file>', 'Evaluate a checkpoint: the latest one of the output folder, or a given one')
    .option(...SET)
    .option('--checkpoint <file>', 'The checkpoint to evaluate')
    .option(...ALLOW_MISMATCH)
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print the results as one line of JSON');
  cli
    .command(
      'predict <file> [...images]',
      'Detect objects in images or folders of images, and write pictures with the detections',
    )
    .option(...SET)
    .option('--checkpoint <file>', 'The checkpoint to use (default: the latest one of the output folder)')
    .option(...ALLOW_MISMATCH)
    .option('--score <number>', 'Leave out detections with a lower score, from 0 to 1 (default: 0.4)')
    .option('--tta', 'Use test-time augmentation: several views of each image')
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print the detections as one line of JSON per image, and draw nothing')
    .example('hookline predict trainer.ts --checkpoint runs/a/model_final.safetensors street.jpg');
  cli
    .command('export <file>', 'Write the model for browsers, Python or others, and verify the result')
    .option(...SET)
    .option('--format <name>', 'graph-model, saved-model, onnx or layers-model; see docs/export.md')
    .option('--checkpoint <file>', 'The checkpoint to export (default: the latest one of the output folder)')
    .option(...ALLOW_MISMATCH)
    .option('--batch <number>', 'Fixed batch size of the exported model (default: any)')
    .option('--ema', 'Export the averaged weights of the plugin ema')
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print what was written as JSON')
    .example('hookline export trainer.ts --format graph-model');
  cli
    .command(
      'convert <file> [target]',
      "Write the weights of a checkpoint as safetensors, with PyTorch's names if the model has a weight table",
    )
    .option(...SET)
    .option('--checkpoint <file>', 'The checkpoint to convert (default: the latest one of the output folder)')
    .option(...ALLOW_MISMATCH)
    .option('--ema', 'Write the averaged weights of the plugin ema')
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--json', 'Print what was written, with all names, as JSON')
    .example(
      "hookline convert trainer.ts                        # writes exported/weights.safetensors in the run's folder",
    )
    .example('hookline convert trainer.ts weights.safetensors');
  cli
    .command('inspect <file>', 'Show the plugins in order with reasons, the hooks with their taps, and the services')
    .option(...SET)
    .option(...OUTPUT)
    .option(...DEVICE)
    .option('--diff <file>', 'Show how another trainer file differs: config, plugins, options, order, services')
    .option('--graph', 'Show the captured step: ops before and after the passes, casts, inputs, variables')
    .option('--json', 'Print everything, and the config, as JSON');
  cli
    .command(
      'data <folder> [target]',
      'Show the format of a data folder, count its images and objects, draw and convert it',
    )
    .option('--format <name>', 'yolo, coco, voc, open-images, labelme, via or createml, if the folder has several')
    .option('--images <dir>', 'Folder of the images, if they are not found')
    .option('--outside <dirs>', 'Folders outside of the data folder from which images may be read: a,b')
    .option('--pictures <file>', 'Draw some of the images with their boxes into a PNG, JPEG or WebP')
    .option('--to <format>', 'Convert it to another format, including the images: --to coco DIR')
    .option('--json', 'Print everything as JSON')
    .example('hookline data street --pictures street.png')
    .example('hookline data street --to coco street-coco');
  cli
    .command('setup', 'Install the fastest runtime for this machine')
    .option('--force', 'Build again even if the runtime works')
    .option('--from <wheel>', 'TensorFlow wheel to try first')
    .option('--cuda', 'Install TensorFlow for an NVIDIA GPU with CUDA and cuDNN, even if no GPU is found')
    .option('--no-cuda', 'Install TensorFlow for the processor, even if there is a GPU')
    .option('--brief', 'Print one line: which runtime will be used, and why');
  cli
    .command('doctor', 'Show which runtime will be used, why, and what would be faster')
    .option('--json', 'Print everything as JSON');
  cli.option('--debug', 'Show stacks of errors');
  // cac adds this to options of the form --no-cuda, where it reads as if the default were to do without.
  cli.help((sections) =>
    sections.map(({ title, body }) => ({
      ...(title !== undefined && { title }),
      body: body.replaceAll(' (default: true)', ''),
    })),
  );
  cli.version(VERSION);
  return cli;
}

/**
 * Parses the command line. cac describes the commands and prints help; the strict checks with suggestions are our own,
 * because neither cac nor `parseArgs` of `node:util` suggests names.
 *
 * @param argv arguments without Node and script
 * @returns undefined if help or the version was requested, which has then been printed
 * @throws HooklineError `HKL_USAGE` for unknown commands and options and for misused ones
 */
export function readCommandLine(argv: readonly string[]): CommandLine | undefined {
  const cli = define();
  const { positionals, options } = readTokens(cli, argv);
  const [name, ...args] = positionals;
  const command = cli.commands.find((each) => each.name === name);
  const asked = (long: string, short: string): boolean => options.some((each) => [long, short].includes(each.name));
  const help = asked('help', 'h');
  if (help || (command === undefined && asked('version', 'v'))) {
    // cac prints the help or the version.
    cli.parse(['node', 'hookline', ...(command === undefined ? [] : [command.name]), help ? '--help' : '--version'], {
      run: false,
    });
    return undefined;
  }
  if (command === undefined) throw unknownCommand(cli, name);
  checkOptions(command, cli, options);
  checkArguments(command, args);
  const isGiven = (key: string): boolean => options.some((each) => each.name === key);
  const text = (key: string): string | undefined => options.find((each) => each.name === key)?.value;
  const begins = ['resume', 'weights'].some(isGiven) || /\bweights\b/.test(text('allow-mismatch') ?? '');
  if (['train', 'launch'].includes(command.name) && isGiven('allow-mismatch') && !begins)
    throw usageError('--allow-mismatch only applies to resuming a run', 'Add --resume, or leave it out');
  if (isGiven('cuda') && isGiven('no-cuda'))
    throw usageError('--cuda and --no-cuda exclude each other', 'Give one of them');
  return {
    command: command.name,
    file: args[0] ?? '',
    images: args.slice(1),
    set: options.flatMap((each) => (each.name === 'set' && each.value !== undefined ? [each.value] : [])),
    text: {
      output: text('output'),
      device: text('device'),
      checkpoint: text('checkpoint'),
      from: text('from'),
      score: text('score'),
      format: text('format'),
      pictures: text('pictures'),
      images: text('images'),
      outside: text('outside'),
      to: text('to'),
      batch: text('batch'),
      weights: text('weights'),
      ranks: text('ranks'),
      hosts: text('hosts'),
      diff: text('diff'),
      overfit: text('overfit'),
      minRate: text('min-rate'),
      maxRate: text('max-rate'),
      steps: text('steps'),
      max: text('max'),
      at: text('at'),
    },
    allowMismatch: (text('allow-mismatch') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    flag: {
      resume: isGiven('resume'),
      graph: isGiven('graph'),
      json: isGiven('json'),
      tta: isGiven('tta'),
      ema: isGiven('ema'),
      force: isGiven('force'),
      brief: isGiven('brief'),
      debug: isGiven('debug'),
      allOutput: isGiven('all-output'),
      fastDevRun: isGiven('fast-dev-run'),
    },
    cuda: isGiven('cuda') ? true : isGiven('no-cuda') ? false : undefined,
  };
}

/** An option as given on the command line. */
interface GivenOption {
  readonly name: string;
  readonly value: string | undefined;
  /** Whether option and value were one word: `--name=value`. */
  readonly inline: boolean;
}

/** The names of an option as they are typed; cac's own are in camel case. */
const namesOf = ({ rawName }: Command['options'][number]): string[] =>
  rawName
    .replace(/<.*/, '')
    .split(',')
    .map((name) => name.trim().replace(/^-+/, ''));

function readTokens(cli: CAC, argv: readonly string[]): { positionals: string[]; options: GivenOption[] } {
  const known = [...cli.commands, cli.globalCommand].flatMap((each) => each.options);
  const types = known.flatMap((option) => {
    const type = option.required === true ? 'string' : 'boolean';
    const [short, ...names] = namesOf(option).sort((a, b) => a.length - b.length);
    if (short?.length !== 1) return [[short as string, { type }] as const];
    return names.map((name) => [name, { type, short }] as const);
  });
  // Not strict, so that unknown options get our own error with a suggestion.
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(types),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const options = tokens.flatMap((token) =>
    token.kind === 'option' ? [{ name: token.name, value: token.value, inline: token.inlineValue === true }] : [],
  );
  return { positionals, options };
}

function unknownCommand(cli: CAC, given: string | undefined): Error {
  const names = cli.commands.map(({ name }) => name);
  if (given === undefined)
    return usageError('no command is given', `Known: ${names.join(', ')}; see \`hookline --help\``);
  return usageError(`there is no command "${given}"`, suggestion(given, names));
}

function checkOptions(command: Command, cli: CAC, given: readonly GivenOption[]): void {
  const known = [...command.options, ...cli.globalCommand.options];
  const names = known.flatMap(namesOf);
  const dashes = (key: string): string => (key.length === 1 ? `-${key}` : `--${key}`);
  const seen = new Set<string>();
  for (const { name, value, inline } of given) {
    const option = known.find((candidate) => namesOf(candidate).includes(name));
    if (option === undefined) {
      const fix = /\w\.\w/.test(name) ? `Write --set ${name}=${value ?? 'VALUE'}` : suggestion(name, names, dashes);
      throw usageError(`there is no option ${dashes(name)} of ${command.name}`, fix);
    }
    if (seen.has(name) && name !== 'set') throw usageError(`option ${dashes(name)} is given twice`, 'Give it once');
    seen.add(name);
    if (option.required !== true) {
      if (value !== undefined) throw usageError(`option ${dashes(name)} takes no value`, `Leave "=${value}" out`);
      continue;
    }
    // A word that begins with a dash is the next option, unless it was given as --name=value.
    if (value === undefined || value.trim() === '' || (!inline && value.startsWith('-'))) {
      throw usageError(`option ${dashes(name)} needs a value`, `Write ${option.rawName}`);
    }
    if (name === 'set' && !/^[^=\s][^=]*=/.test(value)) {
      throw usageError(`--set ${value} is not an assignment`, 'Write --set key.path=value');
    }
  }
}

function checkArguments({ name, args }: Command, given: readonly string[]): void {
  if (args.length > 0 && (given[0] ?? '') === '') {
    if (name === 'data') throw usageError('no folder is given', 'Write hookline data FOLDER');
    const how = name === 'launch' ? 'launch -n 2' : name;
    throw usageError('no trainer file is given', `Write hookline ${how} FILE, such as examples/scenes/trainer.ts`);
  }
  if (given.length <= args.length || args.some(({ variadic }) => variadic)) return;
  const extra = given.slice(args.length).join(' ');
  throw usageError(`unexpected argument "${extra}"`, extra.includes('=') ? `Write --set ${extra}` : 'Leave it out');
}

function suggestion(name: string, known: readonly string[], show = (key: string) => key): string {
  const near = suggestName(name, known);
  const list = `Known: ${known.map(show).join(', ')}`;
  return near === undefined ? list : `Did you mean ${show(near)}? ${list}`;
}
