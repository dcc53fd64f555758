/*
 * Stands between a program and the system: fails what it reads and writes in a database's files, and turns the clock of
 * the day. It is steered from outside through a small shared file. No headers, so that a bare compiler suffices.
 */
struct control {
  long long clock_offset_ms; /* added to the clock of the day */
  int write_errno;           /* what writing fails with; 0: it works */
  int sync_errno;            /* the same for fsync */
  int read_errno;            /* the same for reading */
  int every;                 /* only each so-manieth of them fails */
};

typedef long ssize;
typedef unsigned long size;
struct span { long seconds; long fraction; };

extern int *__errno_location(void);
extern void *dlsym(void *handle, const char *name);
extern char *getenv(const char *name);
extern int open(const char *path, int flags, ...);
extern void *mmap(void *at, size length, int protection, int flags, int file, long offset);
extern ssize readlink(const char *path, char *into, size length);
extern char *strstr(const char *text, const char *wanted);
extern int snprintf(char *into, size length, const char *format, ...);

static volatile struct control *control;
static unsigned calls;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("SHIM_CONTROL");
  int file = path == 0 ? -1 : open(path, 2 /* O_RDWR */);
  if (file < 0) return;
  void *mapped = mmap(0, sizeof(struct control), 3 /* read and write */, 1 /* shared */, file, 0);
  if (mapped != (void *)-1) control = mapped;
}

static void *real(const char *name) { return dlsym((void *)-1 /* RTLD_NEXT */, name); }

static int is_database(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "do-intent.db") != 0;
}

static int fails(int file, int with) {
  if (with == 0 || !is_database(file)) return 0;
  if (control->every > 1 && __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % (unsigned)control->every != 0) return 0;
  *__errno_location() = with;
  return 1;
}

#define REAL(name) \
  static __typeof__(&name) next; \
  if (next == 0) next = (__typeof__(&name))real(#name)

#define AT(name, buffer, which) \
  ssize name(int file, buffer bytes, size length, long offset) { \
    REAL(name); \
    if (control != 0 && fails(file, control->which)) return -1; \
    return next(file, bytes, length, offset); \
  }
AT(pwrite, const void *, write_errno)
AT(pwrite64, const void *, write_errno)
AT(pread, void *, read_errno)
AT(pread64, void *, read_errno)

#define PLAIN(name, buffer, which) \
  ssize name(int file, buffer bytes, size length) { \
    REAL(name); \
    if (control != 0 && fails(file, control->which)) return -1; \
    return next(file, bytes, length); \
  }
PLAIN(write, const void *, write_errno)
PLAIN(read, void *, read_errno)

#define SYNC(name) \
  int name(int file) { \
    REAL(name); \
    if (control != 0 && fails(file, control->sync_errno)) return -1; \
    return next(file); \
  }
SYNC(fsync)
SYNC(fdatasync)

/* `per_ms`: how many of its fractions make a millisecond. */
static void turn(struct span *at, long per_ms) {
  if (control == 0 || at == 0 || control->clock_offset_ms == 0) return;
  long long ms = at->seconds * 1000LL + at->fraction / per_ms + control->clock_offset_ms;
  at->seconds = ms / 1000;
  at->fraction = ms % 1000 * per_ms + at->fraction % per_ms;
}

int clock_gettime(int clock, struct span *at) {
  REAL(clock_gettime);
  int failed = next(clock, at);
  if (failed == 0 && (clock == 0 /* of the day */ || clock == 5 /* the same, coarse */)) turn(at, 1000000);
  return failed;
}

int gettimeofday(struct span *at, void *zone) {
  REAL(gettimeofday);
  int failed = next(at, zone);
  if (failed == 0) turn(at, 1000);
  return failed;
}

long time(long *into) {
  struct span at;
  gettimeofday(&at, 0);
  if (into != 0) *into = at.seconds;
  return at.seconds;
}
