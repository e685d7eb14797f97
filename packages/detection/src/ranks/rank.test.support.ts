import { writeSync } from 'node:fs';
import { joinRanks, selectDevice } from '@hookline/tfjs';
import { evaluations } from './evaluations.test.support.ts';
import { resumedAccumulation } from './resumed.test.support.ts';
import { SCENARIOS, train, UNEQUAL } from './scenarios.test.support.ts';

// One of the processes that mpirun starts for the test: runs each scenario, then prints the outcomes of all ranks in one line.
const ranks = await joinRanks();
await selectDevice('cpu');
for (const [name, scenario] of Object.entries({ ...SCENARIOS, again: SCENARIOS['mlp, captured'], ...UNEQUAL })) {
  if (scenario === undefined) continue;
  const own = Buffer.from(JSON.stringify({ name, ...(await train(scenario)) }));
  const all = await ranks.gather(own, 0, name);
  if (all !== undefined) writeSync(1, `${all.map((each) => Buffer.from(each).toString()).join('\t')}\n`);
}
await selectDevice('cpu');
for (const own of [
  { name: 'evaluations', results: await evaluations() },
  { name: 'accumulation, resumed', ...(await resumedAccumulation()) },
]) {
  const results = await ranks.gather(Buffer.from(JSON.stringify(own)));
  if (results !== undefined) writeSync(1, `${results.map((each) => Buffer.from(each).toString()).join('\t')}\n`);
}
process.exit(0);
