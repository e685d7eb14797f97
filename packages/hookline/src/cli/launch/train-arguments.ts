/** Options of `launch` that are not those of `train`, and whether they take a value. */
const OWN: Readonly<Record<string, boolean>> = { '-n': true, '--ranks': true, '--hosts': true, '--all-output': false };

/**
 * The arguments of the `hookline train` that a `hookline launch` stands for.
 *
 * @param argv of `hookline launch`, understood already, without Node and script
 */
export function trainArguments(argv: readonly string[]): readonly string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const kept: string[] = [];
  for (let at = 0; at < end; at++) {
    const word = argv[at] as string;
    const [name = '', inline] = word.startsWith('--') ? word.split('=', 2) : [word.slice(0, 2), word.slice(2)];
    if (!Object.hasOwn(OWN, name)) kept.push(word);
    else if (OWN[name] === true && (inline === undefined || inline === '')) at++;
  }
  const command = kept.indexOf('launch');
  return [...kept.toSpliced(command, 1, 'train'), ...argv.slice(end)];
}
