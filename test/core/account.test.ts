import { expect, test } from "bun:test";
import { accountDomainOf } from "../../src/core/account.ts";

test.each([
  { email: "ada@acme.com", domain: "acme.com" },
  { email: "ada@mail.eu.acme.com", domain: "acme.com" },
  { email: "ada@acme.co.uk", domain: "acme.co.uk" },
  { email: "ada@sales.acme.co.za", domain: "acme.co.za" },
  { email: "ada@gmail.com", domain: null },
  { email: "ada@googlemail.com", domain: null },
  { email: "ada@yahoo.co.uk", domain: null },
  { email: "ada@outlook.com", domain: null },
  { email: "ada@gmx.de", domain: null },
  { email: "ada@icloud.com", domain: null },
  { email: "ada@proton.me", domain: null },
  { email: "ada@mailinator.com", domain: null },
  { email: "ada@inbox.gmail.com", domain: null },
  { email: "ada@co.uk", domain: null },
  { email: "ada@127.0.0.1", domain: null },
])("$email belongs to account $domain", ({ email, domain }) => {
  expect(accountDomainOf(email)).toBe(domain);
});
