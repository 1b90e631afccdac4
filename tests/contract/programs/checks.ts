// What the two conversations in TypeScript share: what they are given, and how they check.
declare const process: { env: Record<string, string | undefined>; exitCode: number };

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export const given = {
  url: variable("SERVICE_URL"),
  token: variable("TOKEN"),
  newcomerToken: variable("NEWCOMER_TOKEN"),
  peer: variable("PEER"),
  peerToken: variable("PEER_TOKEN"),
  group: variable("GROUP"),
};

export function assert(condition: unknown): asserts condition {
  if (!condition) throw new Error("not so");
}

export function the<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error("there is none");
  return value;
}

export function equal(actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`is ${is}, should be ${should}`);
}

// The number in front of which the next page lies, by the Link header.
export function nextBefore(response: Response | undefined): number | undefined {
  const found = /before=(\d+)>; rel="next"/.exec(response?.headers.get("link") ?? "");
  return found ? Number(found[1]) : undefined;
}

export function run(...parts: (() => Promise<void>)[]): void {
  const all = parts.reduce((before, part) => before.then(part), Promise.resolve());
  all.catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
