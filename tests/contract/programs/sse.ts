// The events of a stream, and the id of each that has one.
export async function* serverSent<Event>(body: ReadableStream<BufferSource>): AsyncGenerator<{ event: Event; id?: string }> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      const [data, id] = [field("data"), field("id")];
      if (data) yield { event: JSON.parse(data) as Event, ...(id && { id }) };
    }
  }
}
