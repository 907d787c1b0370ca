// Settings of metrics, log and traces: read from the command line, checked, with a default for each.
import { type LogLevel, logLevels } from '../protocol/logLevel.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';

export interface ObserveConfig {
  /** Who may read `/metrics`. */
  readonly metrics: MetricsMode;
  readonly logLevel: LogLevel;
  /** Where traces go; absent: there are none. */
  readonly otlp?: { readonly url: string; readonly ratio: number };
}

/** `loopback`: this machine, or a token. `token`: only with one, for hosts behind a proxy. `open`: anybody. */
const metricsModes = ['loopback', 'token', 'open'] as const;
export type MetricsMode = (typeof metricsModes)[number];

export const observeOptions = {
  metrics: { type: 'string' },
  'log-level': { type: 'string' },
  otlp: { type: 'string' },
  'otlp-ratio': { type: 'string' },
} as const;

export const observeUsage = `\
  --metrics WHO   loopback: this machine, or a token for programs; token: only with it; open: anybody
                  (default loopback)
  --log-level L   ${logLevels.join(', ')}: what is less urgent is not logged (default info)
  --otlp URL      sends traces of tasks to this OTLP receiver, http://HOST:4318 (default: none are made)
  --otlp-ratio X  0 to 1: share of the tasks that are traced (default 1)`;

type Given = Readonly<Partial<Record<keyof typeof observeOptions, string | undefined>>>;

/** Refuses with a text that names the argument. */
export function readObserveConfig(given: Given): Outcome<ObserveConfig, string> {
  const { metrics = 'loopback', 'log-level': level = 'info', otlp, 'otlp-ratio': ratio = '1' } = given;
  const mode = metricsModes.find((name) => name === metrics);
  const logLevel = logLevels.find((name) => name === level);
  if (!mode) return refused(`--metrics ${metrics}: it is one of ${metricsModes.join(', ')}`);
  if (!logLevel) return refused(`--log-level ${level}: it is one of ${logLevels.join(', ')}`);
  if (!/^(0|1|0?\.\d{1,9}|1\.0)$/.test(ratio))
    return refused(`--otlp-ratio ${ratio}: it is a number from 0 to 1`);
  if (otlp === undefined) return accepted({ metrics: mode, logLevel });
  const url = tracesUrl(otlp);
  if (url === undefined) return refused(`--otlp ${otlp}: it is an address like http://127.0.0.1:4318`);
  return accepted({ metrics: mode, logLevel, otlp: { url, ratio: Number(ratio) } });
}

/** A receiver takes traces at `/v1/traces`, unless another path is given. */
function tracesUrl(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
