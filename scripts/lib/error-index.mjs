/** @typedef {import('./error-codes.mjs').ErrorCode} ErrorCode */
/** @typedef {Readonly<Record<string, { readonly says?: string, readonly fix?: string }>>} Notes by code, for codes that the sources do not explain enough */

/**
 * Lists what makes the index incomplete: codes without a cause or a fix, and notes on codes that no longer exist.
 *
 * @param {readonly ErrorCode[]} codes
 * @param {Notes} notes
 * @returns {string[]}
 */
export function withoutRemedy(codes, notes) {
  const known = new Set(codes.map(({ code }) => code));
  return [
    ...codes.flatMap((code) => {
      const cases = casesOf(code, notes);
      const lacks = [
        ...(cases.some(({ says }) => isReadable(says)) ? [] : ['what it means']),
        ...(cases.some(({ fix }) => isReadable(fix)) ? [] : ['what to do']),
      ];
      return lacks.map((what) => `scripts/error-notes.json: say of ${code.code} ${what}, which its sources do not`);
    }),
    ...Object.keys(notes)
      .filter((code) => !known.has(code))
      .map((code) => `scripts/error-notes.json: nothing raises ${code}`),
  ];
}

/**
 * Formats the page docs/errors.md.
 *
 * @param {readonly ErrorCode[]} codes
 * @param {Notes} notes
 */
export function formatErrorIndex(codes, notes) {
  const parts = codes.map((code) => {
    const lines = casesOf(code, notes).map(
      ({ says, fix }) => `- ${isReadable(says) ? sentence(says) : ''}${isReadable(fix) ? ` _${sentence(fix)}_` : ''}`,
    );
    const from = [...code.packages].sort().map((name) => `\`${name}\``);
    return [`## ${code.code}`, '', `Raised by ${from.join(', ')}.`, '', ...lines].join('\n');
  });
  return `${INTRODUCTION}\n\n${parts.join('\n\n')}\n`;
}

const INTRODUCTION = `# Error codes

Every error of Hookline has a code that stays the same across versions. Its message reads
\`[CODE] who: what happened (where). What to do.\`, and what caused it is in its \`cause\`.
Programs compare the code, \`error.code\`, or ask \`isHooklineError(error, 'HKL_...')\`.

Below are all codes, with what their messages say and, in italics, what to do. An ellipsis stands for what the message
fills in. This page is written by \`npm run errors\` from the sources.`;

/** @param {ErrorCode} code @param {Notes} notes */
function casesOf({ code, cases }, notes) {
  const { says = '', fix = '' } = notes[code] ?? {};
  const readable = cases.filter(
    ({ says: said, fix: told }) =>
      isReadable(said) && (isReadable(told) || !cases.some((other) => other.says === said && isReadable(other.fix))),
  );
  if (says === '') return readable.map((each) => ({ ...each, fix: isReadable(each.fix) ? each.fix : fix }));
  const told = cases.filter((each) => !isReadable(each.says)).map((each) => each.fix);
  return [{ says, fix: fix || (told.find(isReadable) ?? '') }, ...readable];
}

/** Whether a text contains words besides the placeholders. @param {string} text */
const isReadable = (text) => /\p{L}{2}/u.test(text);

/** Formats a text as a sentence, escaped for Markdown. @param {string} text */
function sentence(text) {
  const [line = ''] = text.trim().split('\n');
  // A text that starts with an identifier, such as an option, keeps its case.
  const begun = /^[a-z]+(?=[\s,])/.test(line) ? line.charAt(0).toUpperCase() + line.slice(1) : line;
  // Text in backticks is code, which needs no escapes.
  const pieces = begun.split(/(`[^`]*`)/);
  const escaped = pieces.map((piece) => (/^`.+`$/.test(piece) ? piece : piece.replace(/[\\`*<|]|(?<=\{)\{/g, '\\$&')));
  const whole = escaped.join('');
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
