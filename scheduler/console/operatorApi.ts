// Operators' requests: decoded, carried out, answered. And the console as a whole, as the host wires it.
import { ms } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import { type Method, methodSchemas, requestSchema } from '../protocol/consoleWire.ts';
import { decode } from '../protocol/decode.ts';
import type { Event } from '../protocol/events.ts';
import * as limits from '../protocol/limits.ts';
import { type Outcome, type Refusal, refusal, Refused, refused } from '../protocol/outcome.ts';
import { Feed } from './feed.ts';
import { FleetFeed } from './fleetFeed.ts';
import { methodsOf } from './methods.ts';
import type { MethodTable } from './methodTable.ts';
import type { Console, ConsolePorts } from './ports.ts';
import { lastHourMs, Projections } from './projections.ts';

export function createConsole(ports: ConsolePorts): Console {
  const projections = new Projections(ports.clock);
  const feed = new Feed(ports, projections);
  const fleet = new FleetFeed(ports);
  const methods = methodsOf(ports, feed, fleet);
  const stopTicks = ports.every(1_000 / limits.feedHz, () => {
    feed.tick();
    fleet.tick();
  });
  const links = new Set<ConsoleLink>();
  loadLastHour(ports, projections);
  return {
    attach: (link) => {
      links.add(link);
      link.onClose(() => {
        links.delete(link);
        feed.remove(link);
        fleet.remove(link);
      });
      answerRequests(link, methods, ports.onBug);
    },
    onBatch: (batch) => {
      projections.onBatch(batch);
      if (batch.events.some(changesPlant)) fleet.nodesChanged();
    },
    onDispatched: (latencyMs) => {
      projections.onDispatched(latencyMs);
    },
    onLog: (taskId, pieces) => {
      feed.onLog(taskId, pieces);
    },
    close: () => {
      stopTicks();
      for (const link of [...links]) link.close('the host stops');
    },
  };
}

const changesPlant = ({ kind }: Event): boolean => kind === 'node_joined' || kind === 'node_forgotten';

/** What ended before this start comes from history; from now on events tell. */
function loadLastHour({ clock, history, onBug }: ConsolePorts, projections: Projections): void {
  const nowMs = clock();
  history.endedPerMinute(ms(nowMs - lastHourMs), nowMs).then(
    (minutes) => {
      projections.addEarlier(minutes);
    },
    (error: unknown) => {
      if (!(error instanceof Refused)) onBug(error, 'counting the last hour');
    },
  );
}

function answerRequests(link: ConsoleLink, methods: MethodTable, onBug: ConsolePorts['onBug']): void {
  let inFlight = 0;
  const reply = (id: number, outcome: Outcome<unknown, Refusal>): void => {
    link.send(
      outcome.ok ? { id, ok: true, result: outcome.value } : { id, ok: false, refusal: outcome.reason },
    );
  };
  const answer = async (raw: unknown): Promise<void> => {
    const request = decode(requestSchema, raw, 'request');
    if (!request.ok) {
      reply(idOf(raw), request);
      return;
    }
    const { id, method, params } = request.value;
    if (inFlight >= limits.requestsInFlightMax) {
      reply(id, refused(tooManyRequests));
      return;
    }
    inFlight += 1;
    try {
      reply(id, await call(methods, method, params ?? {}, link));
    } catch (error) {
      if (!(error instanceof Refused)) onBug(error, method);
      reply(id, refused(error instanceof Refused ? error.refusal : failedInside));
    } finally {
      inFlight -= 1;
    }
  };
  link.onMessage((raw) => {
    void answer(raw);
  });
}

/** Refuses `unknown_method`, `bad_message`, and what the method refuses. */
async function call(
  methods: MethodTable,
  method: string,
  params: unknown,
  link: ConsoleLink,
): Promise<Outcome<unknown, Refusal>> {
  if (isMethod(method)) return await callMethod(method, methods[method], params, link);
  return refused(refusal('unknown_method', `there is no method ${method}`, { field: 'method' }));
}

/** Generic so that the compiler sees: the parameters are those of the very method. */
async function callMethod<M extends Method>(
  method: M,
  handler: MethodTable[M],
  params: unknown,
  link: ConsoleLink,
): Promise<Outcome<unknown, Refusal>> {
  const decoded = decode(methodSchemas[method], params, method);
  return decoded.ok ? await handler(decoded.value, link) : decoded;
}

const isMethod = (method: string): method is Method => Object.hasOwn(methodSchemas, method);

/** Lets a window match even the refusal of a malformed request; 0 where it sent no id. */
function idOf(raw: unknown): number {
  const id = typeof raw === 'object' && raw !== null && 'id' in raw ? raw.id : 0;
  return typeof id === 'number' ? id : 0;
}

const tooManyRequests = refusal(
  'too_many',
  `${limits.requestsInFlightMax} requests of this window have no reply yet; wait for one of them`,
  { retryAfterMs: 250 },
);
const failedInside = refusal('storage_failed', 'the host failed inside; what happened is in its log');
