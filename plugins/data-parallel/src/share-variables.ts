import { createHash } from 'node:crypto';
import { type Communicator, HooklineError } from '@hookline/core';
import { tf } from '@hookline/tfjs';

type Variables = ReadonlyMap<string, tf.Variable>;

/** Number of bytes from which collected variables are broadcast. */
const PARCEL_BYTES = 2 ** 26;

/**
 * Gives all ranks the first rank's values.
 *
 * @throws HooklineError `HKL_RANKS_DIFFER` if a rank has other variables
 */
export async function shareVariables(comm: Communicator, variables: Variables): Promise<void> {
  const list = [...variables].sort(([a], [b]) => (a < b ? -1 : 1));
  await assertSameVariables(comm, list);
  let parcel: tf.Variable[] = [];
  let bytes = 0;
  const send = async (): Promise<void> => {
    const values = await Promise.all(parcel.map(async (variable) => bytesOf(await variable.data())));
    const own = comm.rank === 0 ? Buffer.concat(values) : undefined;
    const all = await comm.broadcast(own, 0, 'the first values of the variables');
    let at = 0;
    parcel.forEach((variable, place) => {
      const { byteLength } = values[place] as Uint8Array;
      if (comm.rank !== 0) write(variable, all.slice(at, at + byteLength));
      at += byteLength;
    });
    [parcel, bytes] = [[], 0];
  };
  for (const [, variable] of list) {
    parcel.push(variable);
    bytes += variable.size * 4;
    if (bytes >= PARCEL_BYTES) await send();
  }
  if (parcel.length > 0) await send();
}

/**
 * Replaces values that differ between ranks by their means, so that all ranks save the same values. Only float32 variables can depend on
 * the batches of a rank.
 */
export async function alignVariables(comm: Communicator, variables: Variables): Promise<void> {
  const list = [...variables].filter(([, { dtype }]) => dtype === 'float32').sort(([a], [b]) => (a < b ? -1 : 1));
  if (list.length === 0) return;
  const values = await Promise.all(list.map(async ([, variable]) => (await variable.data()) as Float32Array));
  const digests = Float64Array.from(values, (each) => digest(bytesOf(each)));
  const what = 'which step variables differ between ranks';
  const [least, most] = [await comm.allReduce(digests, 'min', what), await comm.allReduce(digests, 'max', what)];
  for (const [place, [name, variable]] of list.entries()) {
    if (least[place] === most[place]) continue;
    const means = await comm.allReduce(Float64Array.from(values[place] as Float32Array), 'mean', name);
    write(variable, bytesOf(Float32Array.from(means)));
  }
}

async function assertSameVariables(
  comm: Communicator,
  list: readonly (readonly [string, tf.Variable])[],
): Promise<void> {
  const specs = list.map(([name, { shape, dtype }]) => `${name}: ${dtype} [${shape.join(', ')}]`);
  const all = await comm.gather(Buffer.from(JSON.stringify(specs)), 0, 'the variables of all ranks');
  // Only the first rank receives them.
  const [first = [], ...others] = all?.map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as string[]) ?? [];
  const found = others.flatMap((theirs, place) => {
    const odd = [...theirs.filter((spec) => !first.includes(spec)), ...first.filter((spec) => !theirs.includes(spec))];
    return odd.slice(0, 1).map((spec) => `rank ${place + 1}: ${spec}`);
  });
  const told = await comm.broadcast(Buffer.from(found[0] ?? ''), 0, 'whether the variables of all ranks are the same');
  if (told.length === 0) return;
  throw new HooklineError(
    'HKL_RANKS_DIFFER',
    `not all ranks have the same variables (${Buffer.from(told).toString()})`,
    {
      who: 'data-parallel',
      where: 'hook beforeTrain',
      fix: 'Make the same model and optimizer on every rank',
    },
  );
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The first 48 bits of the hash, which a number holds exactly. */
const digest = (bytes: Uint8Array): number => createHash('sha256').update(bytes).digest().readUIntBE(0, 6);

function write(variable: tf.Variable, bytes: Uint8Array): void {
  const { dtype, shape } = variable;
  // Copy the bytes, because a slice of a Buffer shares memory whose offset may not be aligned.
  const { buffer } = Uint8Array.from(bytes);
  const values =
    dtype === 'bool' ? new Uint8Array(buffer) : dtype === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer);
  tf.tidy(() => variable.assign(tf.tensor(values, shape, dtype)));
}
