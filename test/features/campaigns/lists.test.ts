import { describe, expect, test } from "bun:test";
import type { CreatedAnswer } from "../../../src/features/campaigns/create.ts";
import { type Answer, startInstance, type TestInstance } from "../../support/instance.ts";
import { expectRefusal, MARKER } from "../../support/secrecy.ts";

const SETTINGS = "/campaigns?name=Spring&base_url=https://acme.example";
const CSV = { "content-type": "text/csv" };

function send<Body = CreatedAnswer>(house: TestInstance, list: string | Buffer): Promise<Answer<Body>> {
  const body = typeof list === "string" ? list : new Blob([new Uint8Array(list)]).stream();
  return house.postSecret<Body>(SETTINGS, body, CSV);
}

/** What became of each lead: the traits under the address. */
function leadsOf(house: TestInstance): { [email: string]: object } {
  const rows = house.rows<{ email: string; traits: string }>("select email, traits from lead order by email");
  return Object.fromEntries(rows.map(({ email, traits }) => [email, JSON.parse(traits)]));
}

const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
const long = (length: number): string => "x".repeat(length);

const ADA = { first_name: "Ada", name: "Ada" };
const both = { "ada@acme.com": ADA, "bob@acme.com": { first_name: "Bob", name: "Bob" } };

describe("a list", () => {
  const taken: { what: string; list: string | Buffer; leads: object; encoding?: string; problems?: object[] }[] = [
    { what: "with commas", list: "email,first name\nada@acme.com,Ada\nbob@acme.com,Bob\n", leads: both },
    {
      what: "without a line end at its end",
      list: "email,first name\nada@acme.com,Ada\nbob@acme.com,Bob",
      leads: both,
    },
    { what: "with CRLF", list: "email,first name\r\nada@acme.com,Ada\r\nbob@acme.com,Bob\r\n", leads: both },
    { what: "with lone CR", list: "email,first name\rada@acme.com,Ada\rbob@acme.com,Bob\r", leads: both },
    {
      what: "with all kinds of line ends",
      list: "email,first name\nada@acme.com,Ada\r\nbob@acme.com,Bob\r",
      leads: both,
    },
    { what: "with semicolons", list: "email;first name\nada@acme.com;Ada\nbob@acme.com;Bob\n", leads: both },
    { what: "with tabs", list: "email\tfirst name\nada@acme.com\tAda\nbob@acme.com\tBob\n", leads: both },
    { what: "with bars", list: "email|first name\nada@acme.com|Ada\nbob@acme.com|Bob\n", leads: both },
    {
      what: "with Excel's word on its separator",
      list: "sep=;\r\nemail;first name\r\nada@acme.com;Ada\r\nbob@acme.com;Bob\r\n",
      leads: both,
    },
    {
      what: "with more commas than semicolons in its first line",
      list: 'email;"first name, or more, or less"\nada@acme.com;Ada\n',
      leads: { "ada@acme.com": { first_name_or_more_or_less: "Ada" } },
    },
    {
      what: "with a byte order mark",
      list: "\ufeffemail,first name\nada@acme.com,Ada\nbob@acme.com,Bob\n",
      leads: both,
    },
    {
      what: "with a mark in front of a quoted name",
      list: '\ufeff"email","first name"\n"ada@acme.com","Ada"\n"bob@acme.com","Bob"\n',
      leads: both,
    },
    {
      what: "in UTF-16 LE with its mark",
      list: Buffer.from("\ufeffemail\tfirst name\nada@acme.com\tAda\nbob@acme.com\tBob\n", "utf16le"),
      leads: both,
      encoding: "utf-16le",
    },
    {
      what: "in UTF-16 LE without",
      list: Buffer.from("email,first name\nada@acme.com,Ada\nbob@acme.com,Bob\n", "utf16le"),
      leads: both,
      encoding: "utf-16le",
    },
    {
      what: "in UTF-16 BE with its mark",
      list: utf16be("\ufeffemail,first name\nada@acme.com,Ada\nbob@acme.com,Bob\n"),
      leads: both,
      encoding: "utf-16be",
    },
    {
      what: "in UTF-16 BE without",
      list: utf16be("email,first name\nada@acme.com,Ada\nbob@acme.com,Bob\n"),
      leads: both,
      encoding: "utf-16be",
    },
    {
      what: "in Latin-1",
      list: Buffer.from("email,first name,company\nada@acme.com,Zo\xeb,Caf\xe9 M\xfcller\n", "latin1"),
      leads: { "ada@acme.com": { first_name: "Zoë", name: "Zoë", company: "Café Müller" } },
      encoding: "windows-1252",
    },
    {
      what: "with quotes, separators and lines inside its cells",
      list: 'email,company,note\nada@acme.com,"Acme, ""the"" Inc.","one\r\ntwo"\nbad,"x\ny",\nbob@acme.com,,\n',
      leads: { "ada@acme.com": { company: 'Acme, "the" Inc.', note: "one\r\ntwo" }, "bob@acme.com": {} },
      problems: [{ line: 4, reason: expect.stringContaining("is no e-mail address") }],
    },
    {
      what: "with quotes where none belong",
      list: 'email,company,note\nada@acme.com,"Ada "The Count" Inc",5" pipe\nbob@acme.com,Acme,\n',
      leads: {
        "ada@acme.com": { company: '"Ada "The Count" Inc"', note: '5" pipe' },
        "bob@acme.com": { company: "Acme" },
      },
    },
    {
      what: "with blank lines and lines of nothing but separators",
      list: "\n\nemail,first name\n\nada@acme.com,Ada\n,\n  \nbad,\nbob@acme.com,Bob\n\n",
      leads: both,
      problems: [{ line: 8, reason: expect.any(String) }],
    },
    {
      what: "with rows that are too short or too long",
      list: "email,first name,company\nada@acme.com,Ada\nbob@acme.com,Bob,,,\ncyd@acme.com,Cyd,Acme, Inc.\n",
      leads: both,
      problems: [{ line: 4, reason: expect.stringContaining("there are 4 cells and 3 columns") }],
    },
    {
      what: "with hundreds of columns that nothing is in",
      list: `email,first name${",".repeat(300)}\nada@acme.com,Ada${",".repeat(300)}\nbob@acme.com,Bob\n`,
      leads: both,
    },
    {
      what: "with NULs in its cells",
      list: "email,first name\nada@acme.com,A\0da\n\0bob@acme.com,Bob\n",
      leads: both,
    },
    {
      what: "with a cell of 5 MB",
      list: `email,first name\nada@acme.com,Ada\ncyd@acme.com,"${long(5_000_000)}"\nbob@acme.com,Bob\n`,
      leads: both,
      problems: [{ line: 3, reason: expect.stringContaining("cell 2 has 5000000 characters; at most 32768") }],
    },
    {
      what: "with addresses that are missing or none",
      list: "email,first name\n,Nobody\nada@acme.com,Ada\nnot an address,X\nnull,X\nbob@acme.com,Bob\n",
      leads: both,
      problems: [
        { line: 2, reason: "there is no e-mail address" },
        { line: 4, reason: expect.stringContaining("is no e-mail address") },
        { line: 5, reason: expect.stringContaining("is a placeholder") },
      ],
    },
    {
      what: "with names in one column",
      list: 'full name,e-mail\nAda Lovelace,ada@acme.com\n"Byron, George Gordon",bob@acme.com\n',
      leads: {
        "ada@acme.com": { name: "Ada Lovelace", first_name: "Ada", last_name: "Lovelace" },
        "bob@acme.com": { name: "George Gordon Byron", first_name: "George Gordon", last_name: "Byron" },
      },
    },
    {
      what: "with a second address for those who lack the first",
      list: "personal email,Work E-Mail\nada@home.example,ada@acme.com\nbob@acme.com,\n",
      leads: { "ada@acme.com": {}, "bob@acme.com": {} },
    },
    {
      what: "with addresses in any case and as links",
      list: "email\n ADA@Acme.com \n\u200bmailto:bob@acme.com?subject=Hi\n",
      leads: { "ada@acme.com": {}, "bob@acme.com": {} },
    },
    {
      what: "with a column that is called like a part of every object",
      list: "email,constructor,__proto__,toString\nada@acme.com,a,b,c\n",
      leads: { "ada@acme.com": { tostring: "c" } },
    },
  ];
  test.each(taken)("is taken $what", async ({ list, leads, encoding = "utf-8", problems = [] }) => {
    await using house = startInstance();
    const { status, body } = await send(house, list);
    expect<object>({ status, encoding: body.encoding, problems: body.problems, rejected: body.rejected }).toEqual({
      status: 200,
      encoding,
      problems,
      rejected: problems.length,
    });
    expect<object>(leadsOf(house)).toEqual(leads);
    expect(body.leads).toBe(Object.keys(leads).length);
  });

  const refused: { what: string; list: string | Buffer; says: string; status?: number; code?: string }[] = [
    { what: "that is empty", list: "", says: "the list is empty" },
    { what: "of nothing but blanks", list: "\n \n,,\n", says: "the list is empty" },
    { what: "with names of columns only", list: "email,first name\n", says: "no lead below" },
    { what: "without addresses", list: `name,company\n${MARKER},Acme\n`, says: "call one of them email" },
    {
      what: "that begins with a lead",
      list: `${MARKER}@acme.com,Ada\nbob@acme.com,Bob\n`,
      says: "put a line with the names of the columns above it",
    },
    {
      what: "of rows that are all bad",
      list: `email\n${MARKER}\nno\n`,
      says: "none of the 2 rows can be used; line 2: the e-mail address is no e-mail address",
    },
    {
      what: "with a quote that is never closed",
      list: `email,note\nada@acme.com,x\nbob@acme.com,"${MARKER}\ncyd@acme.com,y\n`,
      says: "line 3: a quote opens there and is never closed",
    },
    {
      what: "with too many columns",
      list: `email,${Array.from({ length: 300 }, (_, index) => `c${index}`).join(",")}\nada@acme.com\n`,
      says: "has 301 columns; at most 200",
    },
    { what: "that is a spreadsheet", list: Buffer.from("PK\x03\x04 and so on"), says: "save it as CSV" },
    {
      what: "that is too large",
      list: Buffer.alloc(24 * 1_024 * 1_024 + 1, "a"),
      says: "larger than 24576 KB",
      status: 413,
      code: "too_large",
    },
  ];
  test.each(refused)(
    "is refused $what, and leaves nothing behind",
    async ({ list, says, status = 422, code = "invalid" }) => {
      await using house = startInstance();
      expectRefusal(house, await send(house, list), { status, code, says });
      for (const table of ["campaign", "campaign_load", "campaign_lead", "lead"])
        expect(house.rows(`select * from ${table}`)).toEqual([]);
    },
  );

  test("tells a hundred bad rows one by one and counts the rest", async () => {
    await using house = startInstance();
    const bad = Array.from({ length: 150 }, () => "no").join("\n");
    const { body } = await send(house, `email\nada@acme.com\n${bad}\n`);
    expect(body).toMatchObject({ leads: 1, rejected: 150 });
    expect(body.problems.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 3));
  });
});

describe("names of columns", () => {
  const spellings = {
    email: ["email", "E-Mail", "Email Address", "email_address", "Work Email", "EMAIL ID", "E mail"],
    first_name: ["First Name", "firstname", "first_name", "Given Name", "FNAME"],
    last_name: ["last name", "Surname", "LastName", "family-name"],
    company: ["Company", "Company Name", "organization", "Organisation", "Account", "account name"],
    title: ["Title", "Job Title", "position", "Role"],
    phone: ["Phone", "phone number", "Mobile Phone"],
    linkedin_url: ["LinkedIn URL"],
  };
  const table = Object.entries(spellings).flatMap(([trait, names]) => names.map((name) => ({ trait, name })));
  test.each(table)('"$name" is $trait', async ({ trait, name }) => {
    await using house = startInstance();
    const list = trait === "email" ? `x,${name}\nv,ada@acme.com\n` : `${name},email\nv,ada@acme.com\n`;
    await send(house, list);
    expect(leadsOf(house)).toEqual({
      "ada@acme.com": expect.objectContaining({ [trait === "email" ? "x" : trait]: "v" }),
    });
  });
});
