/* ENROLL and ABORT: a key and its CSR under an enrollment id, once. */
#include "sp1_internal.h"

#include <string.h>

/* Four numbers with dots between them, which is an address and no name. */
static bool address(sp1_bytes id) {
  unsigned dots = 0, digits = 0;
  size_t i;
  for (i = 0; i < id.n; i++) {
    if (id.p[i] == '.') {
      if (digits == 0) {
        return false;
      }
      dots++;
      digits = 0;
    } else if (id.p[i] >= '0' && id.p[i] <= '9') {
      digits++;
    } else {
      return false;
    }
  }
  return dots == 3 && digits > 0;
}

static bool letter(uint8_t c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* A device id becomes a DNS name, a file name and an MQTT client id. */
static bool legal(sp1_bytes id) {
  size_t i;
  if (id.n > SP1_MAX_ID || !letter(id.p[0]) || !letter(id.p[id.n - 1]) || address(id)) {
    return false;
  }
  for (i = 0; i < id.n; i++) {
    uint8_t c = id.p[i];
    if (!letter(c) && c != '.' && c != '_' && c != '-') {
      return false;
    }
    if (c == '.' && id.p[i + 1 < id.n ? i + 1 : i - 1] == '.') {
      return false;
    }
  }
  return true;
}

static int key_matches(sp1_device *d, unsigned bank, const uint8_t want[32]) {
  const sp1_port *port = d->cfg.port;
  size_t cap, n = 0;
  uint8_t *spki = sp1_scratch(d, &cap), sum[32];
  sp1_sha256 s;
  int status = port->key_spki(port->ctx, bank, spki, cap, &n);
  if (status != SP1_OK) {
    return status;
  }
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, spki, n);
  sp1_sha256_sum(&s, sum);
  return memcmp(sum, want, sizeof sum) == 0 ? SP1_OK : SP1_INTERNAL;
}

static int answer(sp1_device *d, unsigned bank, bool existed) {
  sp1_generation *g = &d->rec.bank[bank];
  unsigned slot = sp1_slot(d, bank, SP1_BLOB_CSR, false);
  uint32_t n = sp1_size(d, slot);
  uint8_t *csr, sum[32];
  sp1_writer w;
  int status = sp1_hash(d, slot, sum);
  if (status == SP1_OK && memcmp(sum, g->csr, sizeof sum) != 0) {
    status = SP1_INTERNAL;
  }
  if (status == SP1_OK) {
    status = key_matches(d, bank, g->spki);
  }
  if (status != SP1_OK) {
    return status;
  }
  sp1_begin(d, &w, 3U + (g->tunnel ? 1U : 0U) + (existed ? 1U : 0U));
  sp1_write_head(&w, SP1_UINT, 1);
  sp1_write_head(&w, SP1_BSTR, n);
  csr = sp1_write_room(&w, n);
  if (csr != NULL) {
    status = d->cfg.port->blob_read(d->cfg.port->ctx, slot, 0, csr, n);
  }
  sp1_write_uint(&w, 2, d->cfg.key_store);
  if (g->tunnel) {
    sp1_write_bytes(&w, 3, g->tunnel_public, sizeof g->tunnel_public);
  }
  if (existed) {
    sp1_write_head(&w, SP1_UINT, 5);
    sp1_write_head(&w, SP1_BOOL, 21);
  }
  sp1_write_uint(&w, 6, sp1_get32(g->number));
  return status == SP1_OK ? sp1_finish(d, &w) : status;
}

/* A key that would not have, or would lose, the tunnel that goes with it is not made. */
static int tunnel_offered(sp1_device *d, const sp1_enroll_args *a) {
  if (a->keep) {
    return sp1_refuse(d, SP1_REFUSED, "this device keeps no tunnel for a new key");
  }
  if (a->tunnel && d->cfg.port->tunnel_make == NULL) {
    return sp1_refuse(d, SP1_REFUSED, "this device makes no WireGuard key");
  }
  return SP1_OK;
}

/* What was answered before is answered the same, after a reset or a lost line. */
static int again(sp1_device *d, const sp1_enroll_args *a) {
  unsigned bank = sp1_newest_bank(d);
  const sp1_generation *g = &d->rec.bank[bank];
  int status = tunnel_offered(d, a);
  if (status != SP1_OK) {
    return status;
  }
  if (g->id_len != a->id.n || memcmp(g->id, a->id.p, a->id.n) != 0 || g->alg != a->alg || (g->tunnel != 0) != a->tunnel) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "enroll id was used with other arguments");
  }
  return answer(d, bank, true);
}

/* Holds the re-enroll policy. An enrollment id stands for one key: one whose key is gone is refused, as far back as SP1_RETIRED. */
static int may(sp1_device *d, const sp1_enroll_args *a) {
  const sp1_generation *active = sp1_active(d);
  uint8_t probe;
  int status;
  if (sp1_retired(d, a->enroll_id)) {
    return sp1_refuse(d, SP1_WRONG_STATE, "the key of this enroll id is gone; use a new id");
  }
  if (active != NULL && memcmp(active->enroll_id, a->enroll_id, 8) == 0) {
    return sp1_refuse(d, SP1_LOCKED, "this enrollment is sealed and being replaced");
  }
  if (active != NULL && d->cfg.reenroll != SP1_REENROLL_OPEN) {
    return sp1_refuse(d, SP1_LOCKED, "sealed; policy allows no new key");
  }
  status = tunnel_offered(d, a);
  if (status != SP1_OK) {
    return status;
  }
  if (d->cfg.port->random(d->cfg.port->ctx, &probe, 1) != SP1_OK) {
    return sp1_refuse(d, SP1_RNG_NOT_READY, "random source is not ready");
  }
  return SP1_OK;
}

/* Picks the bank that is not in use and empties it, in the record first. */
static int prepare(sp1_device *d) {
  unsigned newest = sp1_newest_bank(d);
  int status = SP1_OK;
  if (newest != SP1_NO_BANK && d->rec.newest != d->rec.active) { /* a new id gives up the one that was begun */
    sp1_retire(d, d->rec.bank[newest].enroll_id);
    memset(&d->rec.bank[newest], 0, sizeof d->rec.bank[newest]);
    memset(d->rec.staged, 0, sizeof d->rec.staged);
    d->rec.newest = d->rec.active;
    status = sp1_save(d);
  }
  d->work_bank = d->rec.active == 1 ? 1 : 0;
  if (status == SP1_OK) {
    status = sp1_drop_bank(d, d->work_bank);
  }
  return status;
}

static int keep_csr(sp1_device *d, sp1_generation *g, const uint8_t *csr, size_t n) {
  const sp1_port *port = d->cfg.port;
  sp1_sha256 s;
  if (n == 0 || n > SP1_MAX_CERT) {
    return SP1_CRYPTO;
  }
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, csr, n);
  sp1_sha256_sum(&s, g->csr);
  return port->blob_append(port->ctx, SP1_SLOT(d->work_bank, SP1_BLOB_CSR, 0), 0, csr, n);
}

static int keep_spki(sp1_device *d, sp1_generation *g) {
  const sp1_port *port = d->cfg.port;
  size_t cap, n = 0;
  uint8_t *spki = sp1_scratch(d, &cap);
  sp1_sha256 s;
  int status = port->key_spki(port->ctx, d->work_bank, spki, cap, &n);
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, spki, status == SP1_OK ? n : 0);
  sp1_sha256_sum(&s, g->spki);
  return status;
}

/* The record that names the key is saved last: then the key, its CSR and the id belong together for ever. */
static int make(sp1_device *d, const sp1_enroll_args *a) {
  const sp1_port *port = d->cfg.port;
  sp1_generation *g = &d->rec.bank[d->work_bank];
  char id[SP1_MAX_ID + 1];
  size_t cap, n = 0;
  uint8_t *csr = sp1_scratch(d, &cap);
  int status;
  memcpy(id, a->id.p, a->id.n);
  id[a->id.n] = 0;
  if (d->step == 1) {
    status = port->key_make(port->ctx, d->work_bank, a->alg);
    if (status != SP1_OK) {
      return status == SP1_AGAIN ? status : sp1_refuse(d, status, "key generation failed");
    }
    d->step = 2;
  }
  status = port->key_csr(port->ctx, d->work_bank, id, csr, cap, &n);
  if (status != SP1_OK) {
    return status == SP1_AGAIN ? status : sp1_refuse(d, status, "certificate request failed");
  }
  memset(g, 0, sizeof *g);
  status = keep_csr(d, g, csr, n);
  if (status == SP1_OK) {
    status = keep_spki(d, g);
  }
  if (status == SP1_OK && a->tunnel) {
    g->tunnel = 1;
    status = port->tunnel_make(port->ctx, d->work_bank, g->tunnel_public);
  }
  if (status != SP1_OK) {
    memset(g, 0, sizeof *g);
    return status;
  }
  sp1_put32(g->number, sp1_get32(d->rec.last) + 1U);
  memcpy(d->rec.last, g->number, sizeof g->number);
  memcpy(g->enroll_id, a->enroll_id, sizeof g->enroll_id);
  memcpy(g->id, a->id.p, a->id.n);
  g->id_len = (uint8_t)a->id.n;
  g->alg = a->alg;
  d->rec.newest = (uint8_t)(d->work_bank + 1U);
  memset(d->rec.staged, 0, sizeof d->rec.staged);
  status = sp1_save(d);
  return status == SP1_OK ? answer(d, d->work_bank, false) : status;
}

int sp1_enroll(sp1_device *d, sp1_bytes m) {
  const sp1_generation *newest = sp1_newest(d);
  sp1_enroll_args a;
  int status;
  if (!sp1_read_enroll(m, &a)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "request does not decode");
  }
  if (d->step == 0) {
    if (!legal(a.id)) {
      return sp1_refuse(d, SP1_BAD_ARGUMENT, "device id is not legal");
    }
    if (newest != NULL && memcmp(newest->enroll_id, a.enroll_id, 8) == 0) {
      return again(d, &a);
    }
    status = may(d, &a);
    if (status == SP1_OK) {
      status = prepare(d);
    }
    if (status != SP1_OK) {
      return status;
    }
    d->step = 1;
  }
  return make(d, &a);
}

/* Drops what is being built and returns to what is in use. Aborting what is gone already is done. */
int sp1_abort(sp1_device *d, sp1_bytes m) {
  unsigned bank = sp1_newest_bank(d);
  const sp1_generation *newest = sp1_newest(d), *active = sp1_active(d);
  const uint8_t *id;
  bool sealed = sp1_state(d) == SP1_SEALED;
  sp1_writer w;
  int status = SP1_OK;
  if (!sp1_read_abort(m, &id)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "request does not decode");
  }
  if (id != NULL && newest != NULL && memcmp(newest->enroll_id, id, 8) != 0) {
    if (active != NULL && memcmp(active->enroll_id, id, 8) == 0) {
      return sp1_refuse(d, SP1_LOCKED, "this enrollment is sealed");
    }
    if (!sp1_retired(d, id)) {
      return sp1_refuse(d, SP1_WRONG_STATE, "another enrollment is in progress");
    }
  } else if (id != NULL && sealed) {
    return sp1_refuse(d, SP1_LOCKED, "this enrollment is sealed");
  } else if (newest != NULL && !sealed) {
    sp1_retire(d, newest->enroll_id);
    memset(&d->rec.bank[bank], 0, sizeof d->rec.bank[bank]);
    memset(d->rec.staged, 0, sizeof d->rec.staged);
    d->rec.newest = d->rec.active;
    status = sp1_save(d);
    if (status == SP1_OK) {
      status = sp1_drop_bank(d, bank);
    }
  }
  if (status != SP1_OK) {
    return status;
  }
  sp1_begin(d, &w, 0);
  return sp1_finish(d, &w);
}
