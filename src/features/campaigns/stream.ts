/**
 * Pieces of text as a body that is made while it is read: a piece at a time, and others have their turn between two. The
 * first piece is made at once, so that what cannot be begun is refused like anything else.
 */
export function textStream(pieces: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next = pieces.next();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (next.done === true) return controller.close();
        controller.enqueue(encoder.encode(next.value));
        await new Promise((resolve) => setImmediate(resolve));
        next = pieces.next();
      },
      cancel: () => void pieces.return?.(),
    },
    { highWaterMark: 0 },
  );
}
