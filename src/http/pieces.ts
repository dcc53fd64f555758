/** Few enough to be a moment's work, and enough not to be one piece after the other. */
const PIECE_CHARACTERS = 64 * 1024;

/** Many short texts as few longer ones, which is how they are sent and written. */
export function* gathered(texts: Iterable<string>): Generator<string, void> {
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
