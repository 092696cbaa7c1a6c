#include "memory.h"

#include <string.h>

static uint32_t millis(void *ctx) { return ((memory *)ctx)->now; }

static void written(void *ctx, const uint8_t *p, size_t n) {
  memory *m = ctx;
  m->line(m->who, p, n);
}

static int rng(void *ctx, uint8_t *p, size_t n) {
  memory *m = ctx;
  size_t i;
  for (i = 0; i < n; i++) {
    p[i] = (uint8_t)(m->now + 31U * i + 7U);
  }
  return m->rng_dead ? SP1_RNG_NOT_READY : SP1_OK;
}

/* Whether the storage takes this operation. Once it does not, it never does again until the fault is taken away. */
static bool stores(memory *m) {
  if (m->fail_in == 0) {
    return true;
  }
  if (m->fail_in > 1) {
    m->fail_in--;
    return true;
  }
  return false;
}

static bool again(memory *m) {
  if (m->again_left == 0) {
    m->again_left = m->again;
    return false;
  }
  m->again_left--;
  return true;
}

size_t memory_spki(uint64_t key, uint8_t out[16]) {
  unsigned i;
  out[0] = 0x30;
  out[1] = 8;
  for (i = 0; i < 8; i++) {
    out[2 + i] = (uint8_t)(key >> (8 * i));
  }
  return 10;
}

size_t memory_cert(uint64_t key, uint8_t filler, uint8_t out[96]) {
  static const uint8_t before[] = {
      0x30, 0x00, 0x30, 0x00,              /* Certificate, TBSCertificate */
      0xa0, 0x03, 0x02, 0x01, 0x02,        /* version 3 */
      0x02, 0x01, 0x01,                    /* serial number */
      0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, /* signature, issuer, validity, subject */
  };
  size_t n = sizeof before;
  memcpy(out, before, n);
  n += memory_spki(key, out + n);
  out[3] = (uint8_t)(n - 4);
  out[n++] = 0x30; /* signatureAlgorithm */
  out[n++] = 0x00;
  out[n++] = 0x03; /* signature */
  out[n++] = 0x02;
  out[n++] = 0x00;
  out[n++] = filler;
  out[1] = (uint8_t)(n - 2);
  return n;
}

static int key_make(void *ctx, unsigned bank, int alg) {
  memory *m = ctx;
  (void)alg;
  if (again(m)) {
    return SP1_AGAIN;
  }
  if (!stores(m)) {
    return SP1_INTERNAL;
  }
  m->key[bank] = ++m->keys;
  return SP1_OK;
}

static int key_csr(void *ctx, unsigned bank, const char *id, uint8_t *p, size_t cap, size_t *n) {
  memory *m = ctx;
  size_t len = strlen(id);
  if (again(m)) {
    return SP1_AGAIN;
  }
  if (m->key[bank] == 0 || cap < 16 + len) {
    return SP1_CRYPTO;
  }
  *n = memory_spki(m->key[bank], p);
  memcpy(p + *n, id, len);
  *n += len;
  return SP1_OK;
}

static int key_spki(void *ctx, unsigned bank, uint8_t *p, size_t cap, size_t *n) {
  memory *m = ctx;
  if (m->key[bank] == 0 || cap < 16) {
    return SP1_INTERNAL;
  }
  *n = memory_spki(m->key[bank], p);
  return SP1_OK;
}

static int key_sign(void *ctx, unsigned bank, const uint8_t *msg, size_t len, uint8_t *p, size_t cap, size_t *n) {
  memory *m = ctx;
  if (again(m)) {
    return SP1_AGAIN;
  }
  if (m->key[bank] == 0 || len < 64 || msg[0] != 0x20 || cap < 70) {
    return SP1_CRYPTO;
  }
  memset(p, 0x5a, 70);
  *n = 70;
  return SP1_OK;
}

static int key_drop(void *ctx, unsigned bank) {
  memory *m = ctx;
  if (!stores(m)) {
    return SP1_INTERNAL;
  }
  m->key[bank] = 0;
  return SP1_OK;
}

static int tunnel_make(void *ctx, unsigned bank, uint8_t public_key[32]) {
  memory *m = ctx;
  memset(public_key, (int)bank + 1, 32);
  return stores(m) ? SP1_OK : SP1_NO_SPACE;
}

static void stop(void *ctx) { ((memory *)ctx)->again_left = ((memory *)ctx)->again; }

static int record_load(void *ctx, uint8_t *p, size_t n, bool *found) {
  memory *m = ctx;
  *found = m->has_record;
  memcpy(p, m->record, n);
  return SP1_OK;
}

static int record_save(void *ctx, const uint8_t *p, size_t n) {
  memory *m = ctx;
  if (!stores(m)) {
    return SP1_NO_SPACE;
  }
  memcpy(m->record, p, n);
  m->has_record = true;
  return SP1_OK;
}

static int blob_size(void *ctx, unsigned slot, uint32_t *n) {
  *n = ((memory *)ctx)->size[slot];
  return SP1_OK;
}

static int blob_read(void *ctx, unsigned slot, uint32_t off, uint8_t *p, size_t n) {
  memory *m = ctx;
  if (off > m->size[slot] || n > m->size[slot] - off) {
    return SP1_INTERNAL;
  }
  if (m->read_fails_in > 0 && --m->read_fails_in == 0) {
    return SP1_INTERNAL;
  }
  memcpy(p, m->blob[slot] + off, n);
  return SP1_OK;
}

/* Fails half way, as a power cut does. */
static int blob_append(void *ctx, unsigned slot, uint32_t off, const uint8_t *p, size_t n) {
  memory *m = ctx;
  bool ok = stores(m);
  if (off != m->size[slot] || n > MEMORY_BLOB - off) {
    return SP1_NO_SPACE;
  }
  n = ok ? n : n / 2;
  memcpy(m->blob[slot] + off, p, n);
  m->size[slot] += (uint32_t)n;
  return ok ? SP1_OK : SP1_NO_SPACE;
}

static int blob_drop(void *ctx, unsigned slot) {
  memory *m = ctx;
  if (!stores(m)) {
    return SP1_INTERNAL;
  }
  m->size[slot] = 0;
  return SP1_OK;
}

static int check(void *ctx, const sp1_bundle *b) {
  memory *m = ctx;
  return m->refuse || strlen(b->id) == 0 ? SP1_BAD_ARGUMENT : SP1_OK;
}

static int64_t clock_get(void *ctx) { return ((memory *)ctx)->now * INT64_C(1000); }

static int clock_set(void *ctx, int64_t now) {
  (void)ctx;
  return now > 0 ? SP1_OK : SP1_INTERNAL;
}

static void reboot(void *ctx) { (void)ctx; }

void memory_open(memory *m) {
  sp1_port *p = &m->port;
  p->ctx = m;
  p->write = written;
  p->millis = millis;
  p->random = rng;
  p->key_make = key_make;
  p->key_csr = key_csr;
  p->key_spki = key_spki;
  p->key_sign = key_sign;
  p->key_drop = key_drop;
  p->tunnel_make = tunnel_make;
  p->stop = stop;
  p->record_load = record_load;
  p->record_save = record_save;
  p->blob_size = blob_size;
  p->blob_read = blob_read;
  p->blob_append = blob_append;
  p->blob_drop = blob_drop;
  p->check = check;
  p->clock_get = clock_get;
  p->clock_set = clock_set;
  p->reboot = reboot;
}
