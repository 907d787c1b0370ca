// Operators' requests: decoded, carried out, answered. And the console as a whole, as the host wires it.
import { strangersMax } from '../protocol/accountLimits.ts';
import { ms } from '../protocol/brands.ts';
import { type Method, methodSchemas, requestSchema } from '../protocol/consoleWire.ts';
import { decode } from '../protocol/decode.ts';
import type { Event } from '../protocol/events.ts';
import * as limits from '../protocol/limits.ts';
import { type Outcome, type Refusal, refusal, Refused, refused } from '../protocol/outcome.ts';
import { Rate } from '../protocol/rate.ts';
import { audited } from './audited.ts';
import { Feed } from './feed.ts';
import { FleetFeed } from './fleetFeed.ts';
import { methodsOf } from './methods.ts';
import type { MethodTable } from './methodTable.ts';
import type { Console, ConsolePorts } from './ports.ts';
import { lastHourMs, Projections } from './projections.ts';
import { queueHindrance, roleHindrance } from './rights.ts';
import { Seat } from './seat.ts';

export function createConsole(ports: ConsolePorts): Console {
  const projections = new Projections(ports.clock);
  const feed = new Feed(ports, projections);
  const fleet = new FleetFeed(ports);
  const methods = methodsOf(ports, feed, fleet);
  let ticks = 0;
  const seats = new Set<Seat>();
  const empty = (seat: Seat): void => {
    feed.remove(seat);
    fleet.remove(seat);
  };
  const stopTicks = ports.every(1_000 / limits.feedHz, () => {
    for (const seat of seats) {
      if (seat.session.role === 'viewer') seat.use();
      if (seat.news()?.role === 'nobody') empty(seat);
    }
    ticks += 1;
    // A host that is behind shows less often how far.
    if (ports.overload.level > 0 && ticks % limits.feedHz !== 0) return;
    feed.tick();
    fleet.tick();
  });
  loadLastHour(ports, projections);
  return {
    attach: (link) => {
      const seat = new Seat(link, ports.accounts);
      if (isOneStrangerTooMany(seat, seats)) {
        link.close('too many consoles have not logged in');
        return;
      }
      seats.add(seat);
      link.onClose(() => {
        seats.delete(seat);
        empty(seat);
      });
      answerRequests(seat, methods, ports, () => {
        if (seat.session.role === 'nobody') empty(seat);
      });
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
    requestsMost: () => Math.max(0, ...[...seats].map(({ requests }) => requests)),
    close: () => {
      stopTicks();
      for (const seat of [...seats]) seat.close('the host stops');
    },
  };
}

/** Those at the workstation itself always come in. */
function isOneStrangerTooMany({ session }: Seat, seats: ReadonlySet<Seat>): boolean {
  if (session.role !== 'nobody' || session.source === 'window') return false;
  return [...seats].filter((seat) => seat.session.role === 'nobody').length >= strangersMax;
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

/** `answered`: called after each request, which may have ended the session. */
function answerRequests(seat: Seat, methods: MethodTable, ports: ConsolePorts, answered: () => void): void {
  const rate = new Rate(limits.consoleRequestsPerSecondMax, limits.consoleRequestsBurstMax);
  const reply = (id: number, outcome: Outcome<unknown, Refusal>): void => {
    seat.send(
      outcome.ok ? { id, ok: true, result: outcome.value } : { id, ok: false, refusal: outcome.reason },
    );
  };
  const answer = async (raw: unknown): Promise<void> => {
    const retryAfterMs = rate.ask(1, ports.clock());
    if (retryAfterMs > 0) {
      reply(idOf(raw), refused(tooFast(retryAfterMs)));
      return;
    }
    const request = decode(requestSchema, raw, 'request');
    if (!request.ok) {
      reply(idOf(raw), request);
      return;
    }
    const { id, method, params } = request.value;
    if (seat.requests >= limits.requestsInFlightMax) {
      reply(id, refused(tooManyRequests));
      return;
    }
    seat.requests += 1;
    try {
      seat.use();
      reply(id, await call({ methods, ports, seat }, method, params ?? {}));
    } catch (error) {
      if (!(error instanceof Refused)) ports.onBug(error, method);
      reply(id, refused(error instanceof Refused ? error.refusal : failedInside));
    } finally {
      seat.requests -= 1;
      answered();
    }
  };
  seat.onMessage((raw) => {
    void answer(raw);
  });
}

interface Asked {
  readonly methods: MethodTable;
  readonly ports: ConsolePorts;
  readonly seat: Seat;
}

/** Refuses `unknown_method`, `not_logged_in`, `forbidden`, `bad_message`, and what the method refuses. */
async function call(asked: Asked, method: string, params: unknown): Promise<Outcome<unknown, Refusal>> {
  if (isMethod(method)) return await callMethod(asked, method, asked.methods[method], params);
  return refused(refusal('unknown_method', `there is no method ${method}`, { field: 'method' }));
}

/** Generic so that the compiler sees: the parameters are those of the very method. */
async function callMethod<M extends Method>(
  { ports, seat }: Asked,
  method: M,
  handler: MethodTable[M],
  params: unknown,
): Promise<Outcome<unknown, Refusal>> {
  const { session } = seat;
  const hindrance = roleHindrance(method, params, session);
  const decoded = decode(methodSchemas[method], params, method);
  if (hindrance && session.role === 'nobody') tellStranger(seat, ports, { method, ...hindrance });
  if (!decoded.ok) return hindrance ? refused(hindrance) : decoded;
  // Inside: what was tried without the right to it is written down, too.
  return audited({ method, params: decoded.value, by: session }, ports, async () => {
    const missing = hindrance ?? (await queueHindrance(method, decoded.value, session, ports));
    return missing ? refused(missing) : await handler(decoded.value, seat);
  });
}

/** Also where it asked only to read, which nobody else's entry would tell of. Equal ones are one entry a minute. */
function tellStranger(
  { session: { source } }: Seat,
  { audit }: ConsolePorts,
  { method, code, message }: Refusal & { readonly method: Method },
): void {
  const details = { method, code, message };
  audit.record({
    action: 'console_refused',
    actor: 'nobody',
    source,
    outcome: 'refused',
    targets: [],
    details,
  });
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
const tooFast = (retryAfterMs: number): Refusal =>
  refusal(
    'too_many',
    `more than ${limits.consoleRequestsPerSecondMax} requests of this window a second; retry after ${retryAfterMs} ms`,
    { retryAfterMs },
  );
const failedInside = refusal('storage_failed', 'the host failed inside; what happened is in its log');
