/*
 * Fuzz target: bytes are read as what happens to a device, step by step: noise and frames on its line, requests good and
 * bad, time, power cuts, storage that fails, hardware that takes its time. Whatever happens:
 *
 *   - it writes nothing but whole, sound frames of its own direction, and its messages are strict CBOR
 *   - an enrollment id stands for one CSR for ever, over all power cuts
 *   - it remembers what is durable, and nothing else
 *   - what it says it has installed reads back, and its leaf is for its key
 *
 * With libFuzzer (clang -fsanitize=fuzzer) it is the target; with replay.c it replays files.
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define IDS 8U
#define CHECK(ok, what) \
  do { \
    if (!(ok)) { \
      fprintf(stderr, "sp1_fuzz: broken: %s\n", what); \
      abort(); \
    } \
  } while (0)

typedef struct world {
  memory m;
  sp1_device d;
  uint8_t message[2048];
  sp1_config cfg;
  uint32_t session;
  uint8_t id;
  bool known[IDS];
  uint8_t csr[IDS][32];
  const uint8_t *p;
  size_t n;
} world;

static uint8_t take(world *w) {
  if (w->n == 0) {
    return 0;
  }
  w->n--;
  return *w->p++;
}

static sp1_bytes take_many(world *w, size_t most) {
  sp1_bytes b;
  b.n = (size_t)take(w) | (size_t)take(w) << 8;
  b.n = b.n > most ? most : b.n;
  b.n = b.n > w->n ? w->n : b.n;
  b.p = w->p;
  w->p += b.n;
  w->n -= b.n;
  return b;
}

/* What the device writes. */
static void heard(void *who, const uint8_t *p, size_t n) {
  world *w = who;
  uint8_t copy[SP1_MAX_WIRE];
  sp1_frame f;
  CHECK(n >= 3 && n <= SP1_MAX_WIRE && p[0] == 0 && p[n - 1] == 0, "a write that is no frame");
  memcpy(copy, p, n);
  if (!sp1_frame_decode(copy + 1, n - 2, w->d.session, &f)) {
    memcpy(copy, p, n);
    CHECK(sp1_frame_decode(copy + 1, n - 2, w->session, &f) && f.kind == SP1_BYE, "a frame that is not sound");
  }
  CHECK(f.dir == 1, "a frame of the other direction");
  CHECK(f.idx <= f.last || f.kind == SP1_ACK, "a fragment beyond the last");
  CHECK(f.kind == SP1_WELCOME || f.kind == SP1_ANNOUNCE || f.kind == SP1_RSP || f.kind == SP1_ACK || f.kind == SP1_BUSY_FRAME ||
            f.kind == SP1_LOG || f.kind == SP1_BYE,
        "a kind that no device says");
  if (f.kind == SP1_RSP || f.kind == SP1_WELCOME) {
    CHECK(f.n <= w->d.mtu && f.n > 0, "a fragment larger than agreed");
    CHECK(f.last != 0 || sp1_cbor_strict(f.p, f.n), "a message that is not strict");
  }
  CHECK(f.kind != SP1_ANNOUNCE || sp1_cbor_strict(f.p, f.n), "an announce that is not strict");
}

static void enroll_id(uint8_t k, uint8_t out[8]) {
  memset(out, 0, 8);
  out[7] = (uint8_t)(k % IDS + 1U);
}

static void check_generation(world *w, unsigned bank1) {
  const sp1_generation *g;
  uint8_t sum[32];
  unsigned k;
  if (bank1 == 0) {
    return;
  }
  g = &w->d.rec.bank[bank1 - 1];
  k = g->enroll_id[7] - 1U;
  if (k >= IDS || memcmp(g->enroll_id, "\0\0\0\0\0\0\0", 7) != 0) {
    return; /* an id that the fuzzer made up */
  }
  CHECK(!w->known[k] || memcmp(w->csr[k], g->csr, 32) == 0, "a second key under one enrollment id");
  w->known[k] = true;
  memcpy(w->csr[k], g->csr, 32);
  CHECK(sp1_hash(&w->d, SP1_SLOT(bank1 - 1, SP1_BLOB_CSR, 0), sum) == SP1_OK && memcmp(sum, g->csr, 32) == 0,
        "a CSR that is not the one recorded");
  if (g->installed) {
    sp1_span cert, spki;
    unsigned n;
    cert.slot = sp1_slot(&w->d, bank1 - 1, SP1_BLOB_LEAF, false);
    cert.off = 0;
    cert.n = sp1_size(&w->d, cert.slot);
    CHECK(sp1_der_spki(&w->d, cert, &spki) && sp1_hash_range(&w->d, spki.slot, spki.off, spki.n, sum) == SP1_OK &&
              memcmp(sum, g->spki, 32) == 0,
          "a leaf of another key");
    CHECK(sp1_der_count(&w->d, sp1_slot(&w->d, bank1 - 1, SP1_BLOB_CHAIN, false), &n, &cert), "a chain that does not read back");
  }
}

static void check_state(world *w) {
  if (w->d.rec.magic[0] == 0) {
    return;
  }
  CHECK(!w->m.has_record || memcmp(&w->d.rec, w->m.record, sizeof w->d.rec) == 0, "memory has what storage has not");
  check_generation(w, w->d.rec.newest);
  check_generation(w, w->d.rec.active);
}

static void feed(world *w, const uint8_t *p, size_t n) {
  uint8_t *exact = malloc(n > 0 ? n : 1);
  CHECK(exact != NULL, "no memory");
  memcpy(exact, p, n);
  sp1_input(&w->d, exact, n);
  free(exact);
}

static void send(world *w, uint8_t kind, uint8_t id, uint8_t idx, uint8_t last, const uint8_t *p, size_t n) {
  uint8_t wire[SP1_MAX_WIRE];
  sp1_frame f;
  f.dir = 0;
  f.kind = kind;
  f.id = id;
  f.idx = idx;
  f.last = last;
  f.p = p;
  f.n = n;
  n = sp1_frame_encode(wire, w->d.session, &f);
  feed(w, wire, n);
}

/* A request as a host sends it, in fragments of one size. */
static void request(world *w, const uint8_t *p, size_t n, size_t mtu) {
  size_t at = 0, count = n == 0 ? 1 : (n + mtu - 1) / mtu, i;
  w->id = (uint8_t)(w->id % 255U + 1U);
  for (i = 0; i < count && count <= 256; i++) {
    size_t len = n - at < mtu ? n - at : mtu;
    send(w, SP1_REQ, w->id, (uint8_t)i, (uint8_t)(count - 1), p + at, len);
    at += len;
  }
}

static void begin(sp1_writer *out, uint8_t *p, size_t cap, unsigned keys, uint8_t op) {
  out->p = p;
  out->n = 0;
  out->cap = cap;
  out->full = false;
  sp1_write_head(out, SP1_MAP, keys);
  sp1_write_uint(out, 0, op);
}

static const char conf[] = "[Interface]\nAddress = 10.0.0.2/32\n\n[Peer]\nPublicKey = x\n";

static void write_text(sp1_writer *out, uint64_t key, uint8_t major, const char *s) {
  uint8_t *to;
  sp1_write_head(out, SP1_UINT, key);
  sp1_write_head(out, major, strlen(s));
  to = sp1_write_room(out, strlen(s));
  CHECK(to != NULL, "a request that does not fit");
  memcpy(to, s, strlen(s));
}

/* A bundle that the device takes: a leaf for its newest key, a chain, at times a tunnel. */
static size_t install(world *w, uint8_t *p, size_t cap, uint8_t how) {
  unsigned bank = sp1_newest_bank(&w->d);
  uint64_t key = bank == SP1_NO_BANK ? 1 : w->m.key[bank];
  uint8_t leaf[96], ca[96], id[8], sum[32], *to;
  size_t leaf_n = memory_cert(key, how, leaf), ca_n = memory_cert(0, (uint8_t)(how & 3U), ca);
  sp1_writer out;
  sp1_sha256 s;
  enroll_id(bank == SP1_NO_BANK ? 0 : (uint8_t)(w->d.rec.bank[bank].enroll_id[7] - 1U), id);
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, ca, ca_n);
  sp1_sha256_sum(&s, sum);
  begin(&out, p, cap, 5U + ((how & 4U) != 0 ? 1U : 0U), SP1_OP_INSTALL);
  sp1_write_bytes(&out, 1, leaf, leaf_n);
  sp1_write_head(&out, SP1_UINT, 2);
  sp1_write_head(&out, SP1_ARRAY, 1);
  sp1_write_head(&out, SP1_BSTR, (how & 8U) != 0 ? 8U : ca_n);
  to = sp1_write_room(&out, (how & 8U) != 0 ? 8U : ca_n);
  CHECK(to != NULL, "a request that does not fit");
  memcpy(to, (how & 8U) != 0 ? sum : ca, (how & 8U) != 0 ? 8U : ca_n); /* whole, or named */
  if ((how & 4U) != 0) {
    write_text(&out, 3, SP1_BSTR, conf);
  }
  sp1_write_bytes(&out, 4, id, 8);
  sp1_write_head(&out, SP1_UINT, 5);
  sp1_write_head(&out, SP1_BOOL, (how & 16U) != 0 ? 20U : 21U);
  return out.n;
}

static size_t put(world *w, uint8_t *p, size_t cap, uint8_t how) {
  uint8_t data[160], id[8], sum[32];
  unsigned bank = sp1_newest_bank(&w->d);
  uint8_t obj = (how & 1U) != 0 ? SP1_OBJ_LEAF : (how & 2U) != 0 ? SP1_OBJ_TUNNEL : SP1_OBJ_ANCHORS;
  size_t n = obj == SP1_OBJ_LEAF ? memory_cert(bank == SP1_NO_BANK ? 1 : w->m.key[bank], how, data) : memory_cert(0, 1, data);
  size_t half = n / 2, off = (how & 4U) != 0 ? half : 0, len = (how & 8U) != 0 ? n - off : (off == 0 ? half : n - half);
  sp1_writer out;
  sp1_sha256 s;
  if (obj == SP1_OBJ_TUNNEL) {
    n = sizeof conf - 1;
    memcpy(data, conf, n);
    off = 0;
    len = n;
  }
  enroll_id(bank == SP1_NO_BANK ? 0 : (uint8_t)(w->d.rec.bank[bank].enroll_id[7] - 1U), id);
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, data, n);
  sp1_sha256_sum(&s, sum);
  begin(&out, p, cap, 7, SP1_OP_PUT);
  sp1_write_uint(&out, 1, obj);
  sp1_write_uint(&out, 2, off);
  sp1_write_uint(&out, 3, n);
  sp1_write_bytes(&out, 4, sum, 32);
  sp1_write_bytes(&out, 5, data + off, len);
  sp1_write_bytes(&out, 6, id, 8);
  return out.n;
}

/* Commits what is staged, whatever that is. */
static size_t commit(world *w, uint8_t *p, size_t cap, uint8_t how) {
  static const uint8_t objects[3] = {SP1_OBJ_LEAF, SP1_OBJ_ANCHORS, SP1_OBJ_TUNNEL};
  unsigned bank = sp1_newest_bank(&w->d), i, count = (how & 1U) != 0 ? 3 : 2;
  uint8_t id[8], key[32];
  sp1_writer out;
  enroll_id(bank == SP1_NO_BANK ? 0 : (uint8_t)(w->d.rec.bank[bank].enroll_id[7] - 1U), id);
  memset(key, how, sizeof key);
  begin(&out, p, cap, 3U + ((how & 2U) != 0 ? 1U : 0U), SP1_OP_COMMIT);
  sp1_write_bytes(&out, 4, id, 8);
  sp1_write_head(&out, SP1_UINT, 6);
  sp1_write_head(&out, SP1_MAP, count);
  for (i = 0; i < count; i++) {
    sp1_write_bytes(&out, objects[i], w->d.rec.staged[i].sha256, 32);
  }
  if ((how & 2U) != 0) {
    sp1_write_bytes(&out, 7, key, 32);
  }
  return out.n;
}

static size_t other(uint8_t op, uint8_t *p, size_t cap, uint8_t how) {
  uint8_t id[8], hash[48];
  sp1_writer out;
  enroll_id(how, id);
  memset(hash, how, sizeof hash);
  switch (op) {
    case SP1_OP_ENROLL:
      begin(&out, p, cap, 4U + ((how & 8U) != 0 ? 1U : 0U), op);
      sp1_write_uint(&out, 1, SP1_P256);
      sp1_write_text(&out, 2, (how & 16U) != 0 ? "device-0002" : "device-0001");
      sp1_write_bytes(&out, 4, id, 8);
      if ((how & 8U) != 0) {
        sp1_write_head(&out, SP1_UINT, 5);
        sp1_write_head(&out, SP1_BOOL, 21);
      }
      break;
    case SP1_OP_SIGN_TLS13:
      begin(&out, p, cap, 3, op);
      sp1_write_bytes(&out, 1, hash, (how & 1U) != 0 ? 48 : 32);
      sp1_write_uint(&out, 2, (how & 2U) != 0 ? 0x0503 : 0x0403);
      break;
    case SP1_OP_LOCK:
      begin(&out, p, cap, 3, op);
      sp1_write_bytes(&out, 4, id, 8);
      write_text(&out, 5, SP1_TSTR, "10.0.0.2");
      break;
    case SP1_OP_ABORT:
      begin(&out, p, cap, (how & 64U) != 0 ? 1 : 2, op);
      if ((how & 64U) == 0) {
        sp1_write_bytes(&out, 4, id, 8);
      }
      break;
    case SP1_OP_CLOCK:
      begin(&out, p, cap, 2, op);
      sp1_write_uint(&out, 1, (uint64_t)how << 40);
      break;
    case SP1_OP_READ:
      begin(&out, p, cap, 2, op);
      sp1_write_uint(&out, 1, 1U + how % 3U);
      break;
    default:
      begin(&out, p, cap, 1, op);
  }
  return out.n;
}

/* A request that is well formed, and often right. */
static void good_request(world *w) {
  static const uint8_t ops[] = {
      SP1_OP_ENROLL, SP1_OP_INSTALL, SP1_OP_PUT, SP1_OP_COMMIT, SP1_OP_SIGN_TLS13, SP1_OP_LOCK, SP1_OP_ABORT, SP1_OP_STATUS, SP1_OP_READ,
      SP1_OP_CLOCK, SP1_OP_REBOOT, 16,
  };
  uint8_t what = take(w), how = take(w), op = ops[what % sizeof ops], p[1024];
  size_t mtu = (what & 0x80U) != 0 ? 33 : SP1_MAX_PAYLOAD, n;
  switch (op) {
    case SP1_OP_INSTALL:
      n = install(w, p, sizeof p, how);
      break;
    case SP1_OP_PUT:
      n = put(w, p, sizeof p, how);
      break;
    case SP1_OP_COMMIT:
      n = commit(w, p, sizeof p, how);
      break;
    default:
      n = other(op, p, sizeof p, how);
  }
  request(w, p, n, mtu);
}

static void hello(world *w) {
  uint8_t p[64], how = take(w);
  sp1_writer out;
  w->session = w->session * 1664525U + 1013904223U;
  w->session += w->session == 0;
  w->id = (how & 1U) != 0 ? 250 : 0; /* so that ids wrap around at times */
  out.p = p;
  out.n = 0;
  out.cap = sizeof p;
  out.full = false;
  sp1_write_head(&out, SP1_MAP, 7);
  sp1_write_uint(&out, 1, (how & 0x80U) != 0 ? 2 : 1);
  sp1_write_uint(&out, 2, 2);
  sp1_write_uint(&out, 3, w->session);
  sp1_write_uint(&out, 4, (how & 2U) != 0 ? 32 : 246);
  sp1_write_uint(&out, 5, 1U + (how >> 2 & 7U));
  sp1_write_uint(&out, 6, (how & 32U) != 0 ? 1024 : 32768);
  sp1_write_uint(&out, 7, 0x3ff);
  send(w, SP1_HELLO, 0, 0, 0, p, out.n);
}

/* The power is cut here and now, or at the storage operation that failed; what is durable is what counts. */
static void power_cut(world *w) {
  w->m.fail_in = 0;
  w->m.again_left = w->m.again;
  w->m.rng_dead = false;
  CHECK(sp1_init(&w->d, &w->cfg) == SP1_OK, "does not start again");
  w->id = 0;
}

static void step(world *w) {
  sp1_bytes b;
  uint8_t kind, id, idx, last;
  switch (take(w) % 12U) {
    case 0:
      b = take_many(w, 600);
      feed(w, b.p, b.n);
      break;
    case 1:
      kind = take(w) & 15U;
      id = take(w);
      idx = take(w);
      last = take(w);
      b = take_many(w, SP1_MAX_PAYLOAD);
      send(w, kind, (id & 0x80U) != 0 ? w->id : id, idx, last, b.p, b.n);
      break;
    case 2:
      id = take(w);
      b = take_many(w, 3000);
      request(w, b.p, b.n, (size_t)id % SP1_MAX_PAYLOAD + 1);
      break;
    case 3:
      w->m.now += (uint32_t)take(w) * (1U + take(w));
      break;
    case 4:
      hello(w);
      break;
    case 5:
      power_cut(w);
      break;
    case 6:
      w->m.fail_in = take(w) % 24U;
      break;
    case 7:
      w->m.again = w->m.again_left = take(w) % 4U;
      break;
    case 8:
      id = take(w);
      w->m.rng_dead = (id & 1U) != 0;
      w->m.refuse = (id & 2U) != 0;
      break;
    default:
      good_request(w);
  }
  CHECK(sp1_poll(&w->d) <= 1000, "a wait that is too long");
  CHECK(w->m.fail_in == 1 || w->d.rec.magic[0] != 0, "storage that works is taken for damaged");
  check_state(w);
  w->m.now += 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static world w;
  unsigned steps;
  uint8_t how;
  memset(&w.m, 0, offsetof(memory, blob));
  memset((uint8_t *)&w.m + offsetof(memory, fail_in), 0, sizeof w.m - offsetof(memory, fail_in));
  memset(w.known, 0, sizeof w.known);
  w.p = p;
  w.n = n;
  w.session = 1;
  w.m.line = heard;
  w.m.who = &w;
  memory_open(&w.m);
  how = take(&w);
  memset(&w.cfg, 0, sizeof w.cfg);
  w.cfg.port = &w.m.port;
  w.cfg.model = "fuzz";
  w.cfg.serial = "SN-1";
  w.cfg.firmware = "1";
  w.cfg.message = w.message;
  w.cfg.message_size = (how & 1U) != 0 ? 1024 : sizeof w.message;
  w.cfg.mtu = (how & 2U) != 0 ? 32 : 246;
  w.cfg.window = (uint8_t)(1U + (how >> 2 & 7U));
  w.cfg.baud = (how & 32U) != 0 ? 115200 : 0;
  w.cfg.key_store = SP1_FLASH;
  w.cfg.reenroll = (how & 64U) != 0 ? SP1_REENROLL_OPEN : SP1_REENROLL_NEVER;
  CHECK(sp1_init(&w.d, &w.cfg) == SP1_OK, "does not start");
  for (steps = 0; w.n > 0 && steps < 400; steps++) {
    step(&w);
  }
  sp1_close(&w.d);
  return 0;
}
