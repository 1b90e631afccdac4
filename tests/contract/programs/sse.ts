// The events of a stream, and the id of each that has one.
export async function* serverSent<Event>(body: ReadableStream<BufferSource>): AsyncGenerator<{ event: Event; id?: string }> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const blocks = (rest + read.value).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
        const [data, id] = [field("data"), field("id")];
        if (data) yield { event: JSON.parse(data) as Event, ...(id && { id }) };
      }
    }
  } finally {
    await reader.cancel();
  }
}
