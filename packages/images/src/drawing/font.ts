/** Size of a glyph in pixels. */
export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

/**
 * A built-in 5x7 pixel font, so that labels do not depend on installed fonts. Each glyph is its character followed by one
 * base-32 digit per row, whose five bits are the pixels from left to right.
 */
const GLYPHS = `
  0ehjlphe 14c4444e 2eh1248v 3v2421he 426aiv22 5vgu11he
  668guhhe 7v124888 8ehhehhe 9ehhf12c Aehhvhhh Buhhuhhu
  Cehggghe Dsihhhis Evgguggv Fvgguggg Gehgnhhf Hhhhvhhh
  Ie44444e J72222ic Khikokih Lggggggv Mhrllhhh Nhhpljhh
  Oehhhhhe Puhhuggg Qehhhlid Ruhhukih Sfgge11u Tv444444
  Uhhhhhhe Vhhhhha4 Whhhllla Xhha4ahh Yhhha444 Zv1248gv
  a00e1fhf bggmphhu c00egghe d11djhhf e00ehvge f698s888
  g0fhhf1e hggmphhh i40c444e j20622ic kggikoki lc44444e
  m00qllhh n00mphhh o00ehhhe p00uhugg q00djf11 r00mpggg
  s00ege1u t88s8896 u00hhhjd v00hhha4 w00hhlla x00ha4ah
  y00hhf1e z00v248v .00000cc ,0000c48 -000v000 _000000v
  %op248j3 (2488842 )8422248 :0cc0cc0 /01248g0 +044v440
  #aavavaa &cik8lid !4444004 =00v0v00 *04lel40 ?eh12404
`;

const font: ReadonlyMap<string, readonly number[]> = new Map(
  GLYPHS.trim()
    .split(/\s+/)
    .map((glyph) => [glyph.charAt(0), Array.from(glyph.slice(1), (digit) => parseInt(digit, 32))]),
);

/** The rows of a character from the top; those of a question mark for a character that the font lacks. */
export function glyphOf(character: string): readonly number[] {
  if (character === ' ') return [];
  // Accents are dropped.
  const base = character.normalize('NFD').charAt(0);
  return font.get(base) ?? (font.get('?') as readonly number[]);
}
