/** Installs a program that a test cannot do without, where it is missing and that is allowed: Debian calls the package the same. */
export function ensureProgram(program: string): void {
  if (Bun.which(program) !== null) return;
  // A machine that is fresh knows no packages before it has looked.
  for (const words of [["update"], ["install", "-y", "--no-install-recommends", program]]) {
    if (Bun.which("apt-get") === null) break;
    Bun.spawnSync(["apt-get", ...words], {
      stdio: ["ignore", "ignore", "ignore"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  }
  if (Bun.which(program) === null) throw new Error(`this test needs ${program}; install it`);
}
