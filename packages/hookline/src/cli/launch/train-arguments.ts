/** Options of `launch` that `train` does not have, and whether they take a value. */
const OWN: Readonly<Record<string, boolean>> = { '-n': true, '--ranks': true, '--hosts': true, '--all-output': false };

/**
 * The arguments for `hookline train` that correspond to those of `hookline launch`.
 *
 * @param argv valid arguments of `hookline launch`, without Node and script
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
