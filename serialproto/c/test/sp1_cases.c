/*
 * What the fuzz target does not say by itself: requests one by one against storage that fails at the n-th operation, and the bounds
 * of what a device remembers. No line, no station: requests go straight to sp1_execute.
 */
#include "memory.h"

#include <stdio.h>
#include <string.h>

static unsigned failures, checks;

#define EXPECT(ok, ...) \
  do { \
    checks++; \
    if (!(ok)) { \
      failures++; \
      printf("FAIL %s: ", __func__); \
      printf(__VA_ARGS__); \
      putchar('\n'); \
    } \
  } while (0)

static memory m;
static sp1_device d;
static uint8_t message[2048];

static void unheard(void *who, const uint8_t *p, size_t n) {
  (void)who;
  (void)p;
  (void)n;
}

/* A new device, in a session as after WELCOME. */
static void begin(void) {
  sp1_config cfg;
  memset(&m, 0, sizeof m);
  m.line = unheard;
  memory_open(&m);
  memset(&cfg, 0, sizeof cfg);
  cfg.port = &m.port;
  cfg.message = message;
  cfg.message_size = sizeof message;
  cfg.mtu = SP1_MAX_PAYLOAD;
  cfg.window = 1;
  cfg.key_store = SP1_FLASH;
  cfg.reenroll = SP1_REENROLL_NEVER;
  EXPECT(sp1_init(&d, &cfg) == SP1_OK, "does not start");
  d.mtu = SP1_MAX_PAYLOAD;
  d.win = 1;
  d.max = sizeof message;
}

static void head(sp1_writer *w, unsigned keys, uint8_t op) {
  memset(w, 0, sizeof *w);
  w->p = message;
  w->cap = sizeof message;
  sp1_write_head(w, SP1_MAP, keys);
  sp1_write_uint(w, 0, op);
}

/* Executes what the writer holds. A status answered by the operation itself is SP1_OK here. */
static int ask(const sp1_writer *w) {
  sp1_bytes request;
  request.p = message;
  request.n = w->n;
  d.size = (uint32_t)w->n;
  d.step = 0;
  d.detail = "";
  d.next_offset = 0;
  return sp1_execute(&d, request);
}

static const uint8_t *id_of(unsigned k) {
  static uint8_t id[8];
  memset(id, 0, sizeof id);
  id[6] = (uint8_t)(k >> 8);
  id[7] = (uint8_t)k;
  return id;
}

static int enroll(unsigned k) {
  sp1_writer w;
  head(&w, 4, SP1_OP_ENROLL);
  sp1_write_uint(&w, 1, SP1_P256);
  sp1_write_text(&w, 2, "device-0001");
  sp1_write_bytes(&w, 4, id_of(k), 8);
  return ask(&w);
}

static int give_up(unsigned k) {
  sp1_writer w;
  head(&w, 2, SP1_OP_ABORT);
  sp1_write_bytes(&w, 4, id_of(k), 8);
  return ask(&w);
}

/* A piece of an object that is filled with one byte. */
static int put(uint8_t fill, uint32_t total, uint32_t off, uint32_t n) {
  uint8_t object[64], sum[32];
  sp1_sha256 s;
  sp1_writer w;
  memset(object, fill, sizeof object);
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, object, total);
  sp1_sha256_sum(&s, sum);
  head(&w, 7, SP1_OP_PUT);
  sp1_write_uint(&w, 1, SP1_OBJ_LEAF);
  sp1_write_uint(&w, 2, off);
  sp1_write_uint(&w, 3, total);
  sp1_write_bytes(&w, 4, sum, sizeof sum);
  sp1_write_bytes(&w, 5, object, n);
  sp1_write_bytes(&w, 6, id_of(1), 8);
  return ask(&w);
}

/* INSTALL without commit: a leaf for the device's key, and a chain of one. */
static int stage(void) {
  uint8_t leaf[96], ca[96], *to;
  size_t leaf_n = memory_cert(m.key[sp1_newest_bank(&d)], 1, leaf), ca_n = memory_cert(0, 1, ca);
  sp1_writer w;
  head(&w, 4, SP1_OP_INSTALL);
  sp1_write_bytes(&w, 1, leaf, leaf_n);
  sp1_write_head(&w, SP1_UINT, 2);
  sp1_write_head(&w, SP1_ARRAY, 1);
  sp1_write_head(&w, SP1_BSTR, ca_n);
  to = sp1_write_room(&w, ca_n);
  if (to != NULL) {
    memcpy(to, ca, ca_n);
  }
  sp1_write_bytes(&w, 4, id_of(1), 8);
  return ask(&w);
}

static bool remembers_what_is_durable(void) { return memcmp(&d.rec, m.record, sizeof d.rec) == 0; }

/* Goes on as a station does: where the device says that it is. */
static int put_rest(uint8_t fill, uint32_t total) {
  int status = put(fill, total, 0, 16);
  uint32_t at = status == SP1_BAD_OFFSET ? d.next_offset : 16;
  return status == SP1_OK || status == SP1_BAD_OFFSET ? put(fill, total, at, total - at) : status;
}

/* A second object takes the place of the first one, whichever write fails in between: never mixed with it. */
static void another_object(void) {
  unsigned n, slot, i, mixed;
  int status = SP1_INTERNAL;
  for (n = 1; status != SP1_OK && n < 10; n++) {
    begin();
    EXPECT(enroll(1) == SP1_OK && put('a', 40, 0, 24) == SP1_OK, "does not begin");
    slot = sp1_slot(&d, sp1_newest_bank(&d), SP1_BLOB_LEAF, true);
    m.fail_in = n;
    status = put('b', 48, 0, 16);
    EXPECT(remembers_what_is_durable(), "write %u failed, and memory has what storage has not", n);
    m.fail_in = 0;
    EXPECT(put_rest('b', 48) == SP1_OK && m.size[slot] == 48, "write %u failed: then %u bytes of 48", n, (unsigned)m.size[slot]);
    for (i = mixed = 0; i < 48; i++) {
      mixed += m.blob[slot][i] != 'b';
    }
    EXPECT(mixed == 0, "write %u failed: %u bytes of another object", n, mixed);
  }
  EXPECT(n == 5, "want three writes (drop, record, append), got %u", n - 2);
}

/* What INSTALL stages is named by memory only once it is by storage, whichever read or write fails. */
static void staging(void) {
  unsigned n, kind;
  for (kind = 0; kind < 2; kind++) {
    int status = SP1_INTERNAL;
    for (n = 1; status != SP1_OK && n < 200; n++) {
      begin();
      EXPECT(enroll(1) == SP1_OK, "no key");
      m.fail_in = kind == 0 ? n : 0;
      m.read_fails_in = kind == 1 ? n : 0;
      status = stage();
      EXPECT(remembers_what_is_durable(), "%s %u failed, and memory has what storage has not", kind == 0 ? "write" : "read", n);
      m.fail_in = m.read_fails_in = 0;
      EXPECT(status == SP1_OK || stage() == SP1_OK, "%s %u failed: not staged the second time", kind == 0 ? "write" : "read", n);
    }
    EXPECT(n > 4 && n < 200, "got %u operations", n);
  }
}

/* How far back a used enrollment id is known: this many, and the specification asks for 16 at least. */
static void used_ids(void) {
  unsigned k;
  begin();
  EXPECT(SP1_RETIRED >= 16, "remembers %u ids", (unsigned)SP1_RETIRED);
  for (k = 1; k <= SP1_RETIRED; k++) {
    EXPECT(enroll(k) == SP1_OK && give_up(k) == SP1_OK, "id %u", k);
  }
  for (k = 1; k <= SP1_RETIRED; k++) {
    EXPECT(enroll(k) == SP1_WRONG_STATE, "id %u of %u gave a second key", k, (unsigned)SP1_RETIRED);
  }
  EXPECT(enroll(k) == SP1_OK && give_up(k) == SP1_OK, "id %u", k);
  for (k = 2; k <= SP1_RETIRED + 1U; k++) {
    EXPECT(enroll(k) == SP1_WRONG_STATE, "one more: id %u gave a second key", k);
  }
}

int main(void) {
  another_object();
  staging();
  used_ids();
  printf("%u checks, %u failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
