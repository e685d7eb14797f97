import { execFileSync } from 'node:child_process';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { CreateError } from './create-error.ts';
import { type CreatedProject, createProject } from './create-project.ts';
import { type Kind, KINDS, type Language, LANGUAGES, packageName } from './project-name.ts';

const USAGE = `npm create hookline@latest [KIND] [NAME] -- [options]

Makes a Hookline project. What is not given is asked for on a terminal.

  KIND                  app, plugin or preset
  NAME                  of the package; plugins and presets get the prefix hookline-plugin- or hookline-preset-

  --language LANGUAGE   typescript (the default) or javascript
  --folder DIR          where it is made; by default a folder of the package's name
  --help                this text
`;

const QUESTIONS: Readonly<Record<Kind, string>> = {
  app: 'an app: train a model of your own',
  plugin: 'a plugin: hooks into trainings, published on npm',
  preset: 'a preset: a bundle of plugins, published on npm',
};

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const [kindGiven, nameGiven, ...more] = positionals;
  if (more.length > 0) throw usage(`${more.join(' ')} is one argument too many`);
  const kindKnown = kindGiven === undefined ? undefined : oneOf(KINDS, kindGiven, 'KIND');
  const languageKnown = values.language === undefined ? undefined : oneOf(LANGUAGES, values.language, '--language');
  const canAsk = process.stdin.isTTY && process.stdout.isTTY;
  const isComplete = kindKnown !== undefined && nameGiven !== undefined;
  if (!isComplete && !canAsk) throw usage(`${kindKnown === undefined ? 'KIND' : 'NAME'} is missing`);

  const asked = isComplete
    ? { kind: kindKnown, name: nameGiven, language: languageKnown }
    : await ask(kindKnown, nameGiven, languageKnown);
  const created = await createProject({
    kind: asked.kind,
    name: asked.name,
    language: asked.language ?? 'typescript',
    author: authorOfGit(),
    ...(values.folder === undefined ? {} : { folder: values.folder }),
  });
  process.stdout.write(report(asked.kind, created));
}

function parse(args: readonly string[]) {
  const options = {
    language: { type: 'string' },
    folder: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message.split('. ')[0] : String(cause), cause);
  }
}

const usage = (what = 'the command is incomplete', cause?: unknown): CreateError =>
  new CreateError(
    'HKL_CREATE_USAGE',
    what,
    'Write npm create hookline@latest plugin my-name; --help has all options',
    cause === undefined ? undefined : { cause },
  );

function oneOf<T extends string>(known: readonly T[], given: string, what: string): T {
  const found = known.find((each) => each === given);
  if (found === undefined) throw usage(`${what} is "${given}", not one of ${known.join(', ')}`);
  return found;
}

/** Asks for missing arguments, and repeats a question after an invalid answer. */
async function ask(kindKnown: Kind | undefined, nameGiven: string | undefined, languageKnown: Language | undefined) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Use an iterator, which keeps lines that are typed before they are requested.
  const lines = terminal[Symbol.asyncIterator]();
  const question = async (text: string): Promise<string> => {
    terminal.setPrompt(text);
    terminal.prompt();
    const line = await lines.next();
    // Ctrl-D or Ctrl-C.
    if (line.done === true) throw usage('the questions were not answered');
    return line.value.trim();
  };
  const choose = async <T extends string>(
    title: string,
    known: readonly T[],
    words: (each: T) => string,
  ): Promise<T> => {
    process.stdout.write(`${title}\n`);
    for (const [index, each] of known.entries()) process.stdout.write(`  ${index + 1}) ${words(each)}\n`);
    for (;;) {
      const answer = await question(`1 to ${known.length} [1]: `);
      const found = answer === '' ? known[0] : (known[Number(answer) - 1] ?? known.find((each) => each === answer));
      if (found !== undefined) return found;
      const numbers = known.map((_, index) => index + 1);
      process.stdout.write(`Answer ${numbers.slice(0, -1).join(', ')} or ${numbers.at(-1)}\n`);
    }
  };
  try {
    const kind = kindKnown ?? (await choose('What do you want to make?', KINDS, (each) => QUESTIONS[each]));
    let name = nameGiven;
    while (name === undefined) {
      const answer = await question(`Name of the ${kind}: `);
      try {
        process.stdout.write(`The package will be called ${packageName(kind, answer)}\n`);
        name = answer;
      } catch (error) {
        if (!(error instanceof CreateError)) throw error;
        process.stdout.write(`${error.message}\n`);
      }
    }
    const language = languageKnown ?? (await choose('In which language?', LANGUAGES, (each) => each));
    return { kind, name, language };
  } finally {
    terminal.close();
  }
}

function authorOfGit(): string | undefined {
  try {
    const name = execFileSync('git', ['config', 'user.name'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return name.trim() === '' ? undefined : name.trim();
  } catch {
    // git is not installed or has no user name.
    return undefined;
  }
}

function report(kind: Kind, { name, folder, files }: CreatedProject): string {
  const place = relative('.', folder) || '.';
  const next =
    kind === 'app'
      ? ['npm run setup   # once: the fastest runtime that this machine allows', 'npm start       # trains']
      : ['npm run check   # types, lint and tests'];
  const steps = [...(place === '.' ? [] : [`cd ${place}`]), 'npm install', ...next];
  return `${name}: ${files.length} files in ${folder}\n\nNext:\n${steps.map((step) => `  ${step}\n`).join('')}`;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CreateError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}
