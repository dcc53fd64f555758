export type Block = {
  /** The first word behind the fence: sh is run, json and text are what comes out. */
  language: string;
  /** Further words: for sh the programs it needs besides curl; for others a name. */
  words: string[];
  text: string;
  /** Where it begins, for messages. */
  line: number;
};

const FENCE = /^```(\S*)[ ]?(.*)$/;

/** Every fenced block, in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; words: string[]; lines: string[]; line: number } | null = null;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = FENCE.exec(line);
    if (open === null && fence !== null) {
      const [, language = "", rest = ""] = fence;
      open = { language, words: rest.split(" ").filter((word) => word !== ""), lines: [], line: index + 1 };
    } else if (open !== null && line === "```") {
      const { lines, ...block } = open;
      blocks.push({ ...block, text: lines.join("\n") });
      open = null;
    } else open?.lines.push(line);
  }
  if (open !== null) throw new Error(`the block of line ${open.line} is never closed`);
  return blocks;
}

/** The cells of the table whose head begins with this cell, without the head. */
export function tableOf(markdown: string, firstHead: string): string[][] {
  const lines = markdown.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHead} `));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  if (start < 0) throw new Error(`there is no table that begins with ${firstHead}`);
  return lines.slice(start + 2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
