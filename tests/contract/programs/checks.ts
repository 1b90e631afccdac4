// Settings and assertions that the two TypeScript conversations share.
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
  if (!condition) throw new Error("the assertion does not hold");
}

export function the<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error("a value is missing");
  return value;
}

export function equal(actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`is ${is}, should be ${should}`);
}

// Returns the number before which the next page ends, by the Link header.
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
