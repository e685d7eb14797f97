/**
 * Parses `NAME [--json] [--quick] [--name value] [--name=value] [--flag]`.
 *
 * @param {readonly string[]} argv
 * @returns {{ name: string | undefined, json: boolean, args: { quick: boolean, [name: string]: string | number | boolean } }}
 */
export function parseBenchArgs(argv) {
  /** @type {string | undefined} */
  let name;
  /** @type {{ [name: string]: string | number | boolean }} */
  const given = {};
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (!word.startsWith('--')) {
      if (name !== undefined) throw new Error(`unexpected "${word}": one name at a time`);
      name = word;
      continue;
    }
    const [, key = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const next = argv[index + 1];
    if (value !== undefined) given[key] = toValue(value);
    else if (FLAGS.includes(key) || next === undefined || next.startsWith('--')) given[key] = true;
    else {
      given[key] = toValue(next);
      index++;
    }
  }
  const { json = false, quick = false, ...others } = given;
  return { name, json: json === true, args: { ...others, quick: quick === true } };
}

const FLAGS = ['json', 'quick'];

/** @param {string} text */
function toValue(text) {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
