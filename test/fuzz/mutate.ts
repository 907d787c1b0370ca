// Valid messages made wrong: of another type, too deep, too large, with names that reach for prototypes; and their bytes
// flipped, cut, doubled and mixed.
import type { Draw } from './draw.ts';

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let at = 0; at < levels; at += 1) value = at % 2 === 0 ? [value] : { a: value };
  return value;
};
/** JSON.parse makes an own property of `__proto__`; a literal would not. */
const proto = (): unknown =>
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');

const strange: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => -0.5,
  () => Number.MAX_SAFE_INTEGER,
  () => 2 ** 64,
  () => '',
  () => 'x'.repeat(20_000),
  () => '\u202eevil\u0000\u001b[2J',
  () => '__proto__',
  () => 'constructor',
  () => '../../etc/passwd',
  () => [],
  () => ({}),
  () => [[[[[]]]]],
  () => deep(2_000),
  () => Array.from({ length: 6_000 }, (_, at) => at),
  () => Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`k${at}`, at])),
  proto,
  () => ({ toString: 1, valueOf: 2, length: -1 }),
  () => ({ _placeholder: true, num: 99 }),
];
const strangeNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  'extra',
  '\u202e',
];

/** A copy with one to three places made wrong. */
export function mutateValue(draw: Draw, value: unknown): unknown {
  let made: unknown = structuredClone(value);
  for (let times = 1 + draw.below(3); times > 0; times -= 1) made = mutateOnce(draw, made);
  return made;
}

function mutateOnce(draw: Draw, value: unknown): unknown {
  if (draw.chance(0.25) || typeof value !== 'object' || value === null) return draw.pick(strange)();
  if (Array.isArray(value)) return mutateList(draw, value);
  const entries = Object.entries(value);
  const at = draw.below(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined || draw.chance(0.2)) entries.push([draw.pick(strangeNames), draw.pick(strange)()]);
  else if (draw.chance(0.2)) entries.splice(at, 1);
  else entries[at] = [entry[0], mutateOnce(draw, entry[1])];
  // By text, so that `__proto__` is a name like any other.
  return JSON.parse(
    `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${JSON.stringify(item ?? null)}`).join()}}`,
  ) as unknown;
}

function mutateList(draw: Draw, list: readonly unknown[]): unknown {
  const made = [...list];
  const at = draw.below(made.length + 1);
  if (draw.chance(0.3)) made.splice(at, 1);
  else if (draw.chance(0.3)) made.push(...made, draw.pick(strange)());
  else made[at] = mutateOnce(draw, made[at]);
  return made;
}

/** Bits flipped, bytes cut, doubled, or spliced with another message. */
export function mutateBytes(draw: Draw, bytes: Buffer, other: Buffer): Buffer {
  const made = Buffer.from(bytes);
  switch (draw.below(5)) {
    case 0:
      for (let times = 1 + draw.below(8); times > 0; times -= 1) {
        const at = draw.below(made.length);
        made[at] = (made[at] ?? 0) ^ (1 << draw.below(8));
      }
      return made;
    case 1:
      return made.subarray(0, draw.below(made.length));
    case 2:
      return Buffer.concat([
        made.subarray(0, draw.below(made.length)),
        other.subarray(draw.below(other.length)),
      ]);
    case 3:
      return Buffer.concat([made, made]);
    default: {
      const at = draw.below(made.length);
      return Buffer.concat([made.subarray(0, at), draw.bytes(1 + draw.below(20)), made.subarray(at)]);
    }
  }
}
