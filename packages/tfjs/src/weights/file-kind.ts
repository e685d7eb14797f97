import { open } from 'node:fs/promises';
import { weightsError } from './weights-error.ts';

/** The kinds of weights files that can be read; each has its own reader. */
export type FileKind = 'safetensors' | 'safetensors-index' | 'zip' | 'hdf5' | 'tfjs';

/** The number of bytes at the start of a file that are read to recognize it. */
const PREFIX_BYTES = 512;

const FROM_PYTORCH = [
  'Write its tensors as safetensors, with Python:',
  '  import torch, safetensors.torch',
  "  state = torch.load('FILE', map_location='cpu', weights_only=True)  # where it is nested: state = state['state_dict']",
  "  safetensors.torch.save_file(state, 'weights.safetensors')",
  'Then give that file',
].join('\n');

/** The advice for a file that PyTorch has pickled. */
export const FIX_PICKLE = `A pickle runs code when it is read, so Hookline reads none. ${FROM_PYTORCH}`;

const WANTED =
  'Give a .safetensors file, a model.safetensors.index.json, a Keras .keras or .weights.h5 file, or the model.json of TensorFlow.js; see docs/pretrained-weights.md';

/** Known kinds of files that cannot be read, by their first bytes. */
const UNREADABLE: readonly (readonly [begins: readonly (string | RegExp)[], what: string, fix: string])[] = [
  [
    [/^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype|html|head)/i],
    'it is a web page (HTML), not weights',
    'Download the file itself: what was saved is the page about it, or one that says an error. On huggingface.co its address has /resolve/ in it, not /blob/',
  ],
  [
    ['version https://git-lfs'],
    'it is a pointer of Git LFS, and the weights are elsewhere',
    'Fetch the file with `git lfs pull`, or download it',
  ],
  [['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'], 'it is a pickle of Python', FIX_PICKLE],
  [['\x1f\x8b', 'BZh', '\xfd7zXZ', '\x28\xb5\x2f\xfd'], 'it is compressed', 'Unpack it, and give what was in it'],
  [
    ['\x93NUMPY'],
    'it is an array of NumPy',
    "Write all arrays as one file, with Python: safetensors.numpy.save_file({name: array}, 'weights.safetensors')",
  ],
  [
    ['GGUF'],
    'it is a GGUF file',
    'Those hold quantized language models; take the safetensors file from which it was made',
  ],
];

/**
 * Recognizes the kind of a weights file by its first bytes, and by its name where these leave a choice.
 *
 * @throws HooklineError `HKL_WEIGHTS_FORMAT` for a file that cannot be read, which says what it is and what to do;
 * `HKL_WEIGHTS_DAMAGED` for an empty file
 */
export async function fileKind(path: string): Promise<FileKind> {
  const handle = await open(path, 'r');
  let bytes: Uint8Array;
  try {
    const buffer = new Uint8Array(PREFIX_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, PREFIX_BYTES, 0);
    bytes = buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
  if (bytes.length === 0)
    throw weightsError('HKL_WEIGHTS_DAMAGED', 'it is empty', path, 'Copy or download the file again');
  const begin = Buffer.from(bytes.buffer, 0, bytes.length).toString('latin1');
  if (begin[8] === '{') return 'safetensors';
  if (begin.startsWith('PK')) return 'zip';
  if (begin.startsWith('\x89HDF\r\n\x1a\n')) return 'hdf5';
  for (const [begins, what, fix] of UNREADABLE)
    if (begins.some((known) => (typeof known === 'string' ? begin.startsWith(known) : known.test(begin))))
      throw weightsError('HKL_WEIGHTS_FORMAT', what, path, fix);
  if (/^\s*\{/.test(begin)) return path.endsWith('.index.json') ? 'safetensors-index' : 'tfjs';
  if (path.endsWith('.safetensors')) return 'safetensors';
  throw weightsError('HKL_WEIGHTS_FORMAT', 'it is no file of weights that Hookline knows', path, WANTED);
}
