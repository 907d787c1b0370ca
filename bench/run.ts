// `npm run --silent bench -- NAME [--option value]... [--json]`: runs one bench and prints its figures beside its peers.
// With --json the last line is one JSON object.
import { agent } from './agent/agent.ts';
import { audit } from './audit/audit.ts';
import { consoleBench } from './console/console.ts';
import { drain } from './drain/drain.ts';
import { fleet } from './fleet/fleet.ts';
import { failures } from './failures/failures.ts';
import { history } from './history/history.ts';
import journal from './journal.ts';
import { latency } from './latency/latency.ts';
import { openb41 } from './openb/openb41.ts';
import { placement } from './placement.ts';
import { preemption } from './preemption/preemption.ts';
import { profile } from './profile/profile.ts';
import { recovery } from './recovery/recovery.ts';
import { silence } from './silence/silence.ts';
import { storm } from './storm/storm.ts';
import { swf } from './swf/swf.ts';
import { tls } from './tls/tls.ts';
import { whatif } from './whatIf/whatIf.ts';
import { why } from './why/why.ts';
import { type Bench, machine, MissingInput, type Options } from './bench.ts';

const benches: Readonly<Record<string, Bench>> = {
  agent,
  audit,
  console: consoleBench,
  drain,
  failures,
  fleet,
  history,
  journal,
  latency,
  openb41,
  placement,
  preemption,
  profile,
  recovery,
  silence,
  storm,
  swf,
  tls,
  whatif,
  why,
};

const [name = '', ...words] = process.argv.slice(2);
const bench = benches[name];
if (!bench) {
  console.error(`bench "${name}" does not exist; there are: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const { isJson, options } = read(words);
const measured = await bench(options).catch((error: unknown) => {
  if (!(error instanceof MissingInput)) throw error;
  console.error(error.message);
  process.exit(2);
});
if (isJson) console.log(JSON.stringify({ bench: name, ...measured, machine: machine() }));
else {
  console.log(name, measured.params);
  console.table({ figures: measured.figures });
  console.table({ peers: measured.peers });
}
process.exit(0);

function read(given: readonly string[]): { readonly isJson: boolean; readonly options: Options } {
  const options: Record<string, string> = {};
  for (let at = 0; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (word === '--json') continue;
    const value = given[at + 1];
    if (!word.startsWith('--') || value === undefined) throw new Error(`${word}: options are --name value`);
    options[word.slice(2)] = value;
    at += 1;
  }
  return { isJson: given.includes('--json'), options };
}
