/* INSTALL, PUT and COMMIT: whole or nothing. What comes goes to the side that does not count; one record switches. */
#include "sp1_internal.h"

#include <string.h>

/* The blob of an object that can be brought, or 0. */
static unsigned blob_of(uint8_t obj) {
  switch (obj) {
    case SP1_OBJ_LEAF:
      return SP1_BLOB_LEAF;
    case SP1_OBJ_ANCHORS:
      return SP1_BLOB_CHAIN;
    case SP1_OBJ_TUNNEL:
      return SP1_BLOB_TUNNEL;
    default:
      return 0;
  }
}

static uint32_t limit_of(unsigned blob) {
  return blob == SP1_BLOB_LEAF ? SP1_MAX_CERT : blob == SP1_BLOB_CHAIN ? SP1_MAX_OBJECT : SP1_MAX_TUNNEL;
}

static sp1_staged *staged(sp1_device *d, unsigned blob) { return &d->rec.staged[blob - SP1_BLOB_LEAF]; }

static int append(sp1_device *d, unsigned slot, uint32_t *off, const uint8_t *p, size_t n) {
  int status = d->cfg.port->blob_append(d->cfg.port->ctx, slot, *off, p, n);
  *off += (uint32_t)n;
  return status;
}

static int drop(sp1_device *d, unsigned slot) { return d->cfg.port->blob_drop(d->cfg.port->ctx, slot); }

/* --- the answer: digests of what storage holds ------------------------------------------------------------------------ */

static int write_digest(sp1_device *d, sp1_writer *w, uint8_t obj, unsigned slot, uint32_t n) {
  uint8_t sum[32];
  int status = sp1_hash_range(d, slot, 0, n, sum);
  sp1_write_bytes(w, obj, sum, 8);
  return status;
}

/* Object 2 is what device.pem holds beside the leaf: the chain without its root. */
static int answer(sp1_device *d, unsigned bank, bool on_the_way) {
  unsigned leaf = sp1_slot(d, bank, SP1_BLOB_LEAF, on_the_way), chain = sp1_slot(d, bank, SP1_BLOB_CHAIN, on_the_way);
  unsigned conf = sp1_slot(d, bank, SP1_BLOB_TUNNEL, on_the_way), n;
  bool tunnel = sp1_size(d, conf) > 0;
  sp1_span root;
  sp1_writer w;
  int status;
  if (!sp1_der_count(d, chain, &n, &root)) {
    return SP1_INTERNAL;
  }
  sp1_begin(d, &w, 1);
  sp1_write_head(&w, SP1_UINT, 1);
  sp1_write_head(&w, SP1_MAP, 2U + (on_the_way ? 0U : 1U) + (tunnel ? 1U : 0U));
  status = write_digest(d, &w, SP1_OBJ_LEAF, leaf, sp1_size(d, leaf));
  if (status == SP1_OK && !on_the_way) {
    status = write_digest(d, &w, SP1_OBJ_CHAIN, chain, root.off);
  }
  if (status == SP1_OK) {
    status = write_digest(d, &w, SP1_OBJ_ANCHORS, chain, root.off + root.n);
  }
  if (status == SP1_OK && tunnel) {
    status = write_digest(d, &w, SP1_OBJ_TUNNEL, conf, sp1_size(d, conf));
  }
  return status == SP1_OK ? sp1_finish(d, &w) : status;
}

/* --- checks ----------------------------------------------------------------------------------------------------------- */

/* The leaf is for the bank's own key; then the port judges the rest. */
static int check(sp1_device *d, unsigned bank, bool tenant_key) {
  const sp1_generation *g = &d->rec.bank[bank];
  char id[SP1_MAX_ID + 1];
  sp1_bundle b;
  sp1_span cert, spki;
  uint8_t sum[32];
  unsigned n;
  int status;
  memcpy(id, g->id, g->id_len);
  id[g->id_len] = 0;
  b.bank = bank;
  b.id = id;
  b.leaf = sp1_slot(d, bank, SP1_BLOB_LEAF, true);
  b.chain = sp1_slot(d, bank, SP1_BLOB_CHAIN, true);
  b.tunnel = sp1_slot(d, bank, SP1_BLOB_TUNNEL, true);
  b.tunnel_key = sp1_slot(d, bank, SP1_BLOB_TUNNEL_KEY, true);
  b.has_tunnel = sp1_size(d, b.tunnel) > 0;
  b.tenant_key = tenant_key;
  cert.slot = b.leaf;
  cert.off = 0;
  cert.n = sp1_size(d, b.leaf);
  if (!sp1_der_spki(d, cert, &spki)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "leaf does not parse");
  }
  status = sp1_hash_range(d, spki.slot, spki.off, spki.n, sum);
  if (status != SP1_OK) {
    return status;
  }
  if (memcmp(sum, g->spki, sizeof sum) != 0) {
    return sp1_refuse(d, SP1_CERT_KEY, "leaf is for another key");
  }
  if (!sp1_der_count(d, b.chain, &n, &cert)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "chain does not parse");
  }
  if (tenant_key && !b.has_tunnel) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "a WireGuard key without wg0.conf");
  }
  if (b.has_tunnel && !tenant_key && !g->tunnel) {
    return sp1_refuse(d, SP1_WRONG_STATE, "no WireGuard key was made");
  }
  d->detail = "certificates or wg0.conf are not acceptable";
  status = d->cfg.port->check(d->cfg.port->ctx, &b);
  return status;
}

/* What is staged has been checked: it counts from now on. */
static int switch_over(sp1_device *d, unsigned bank) {
  sp1_generation *g = &d->rec.bank[bank];
  int status;
  g->side ^= 1U;
  g->installed = 1;
  memset(d->rec.staged, 0, sizeof d->rec.staged);
  status = sp1_save(d);
  if (status == SP1_OK) {
    status = sp1_unstage(d, bank);
  }
  if (status != SP1_OK) {
    return status;
  }
  return answer(d, bank, false);
}

static int write_tunnel_key(sp1_device *d, unsigned bank, sp1_bytes key) {
  uint32_t off = 0;
  unsigned slot = sp1_slot(d, bank, SP1_BLOB_TUNNEL_KEY, true);
  int status = drop(d, slot);
  return status == SP1_OK && key.n > 0 ? append(d, slot, &off, key.p, key.n) : status;
}

/* The tenant's key is the one that is installed, or none is given and none is. */
static bool same_tunnel_key(sp1_device *d, unsigned bank, sp1_bytes key) {
  uint8_t have[32], diff = 0;
  unsigned slot = sp1_slot(d, bank, SP1_BLOB_TUNNEL_KEY, false), i;
  if (sp1_size(d, slot) != key.n) {
    return false;
  }
  if (key.n == 0) {
    return true;
  }
  if (d->cfg.port->blob_read(d->cfg.port->ctx, slot, 0, have, sizeof have) != SP1_OK) {
    return false;
  }
  for (i = 0; i < sizeof have; i++) {
    diff |= (uint8_t)(have[i] ^ key.p[i]);
  }
  memset(have, 0, sizeof have);
  return diff == 0;
}

static bool zero(sp1_bytes key) {
  size_t i;
  uint8_t any = 0;
  for (i = 0; i < key.n; i++) {
    any |= key.p[i];
  }
  return key.n > 0 && any == 0;
}

static int tunnel_allowed(sp1_device *d, bool conf, sp1_bytes key) {
  if (conf && d->cfg.port->tunnel_make == NULL) {
    return sp1_refuse(d, SP1_REFUSED, "this device takes no wg0.conf");
  }
  if (key.n > 0 && !conf) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "a WireGuard key without wg0.conf");
  }
  return zero(key) ? sp1_refuse(d, SP1_BAD_ARGUMENT, "WireGuard key is zero") : SP1_OK;
}

/* --- INSTALL ---------------------------------------------------------------------------------------------------------- */

/* Certificates that are only named are held here already. */
static int resolve(sp1_device *d, const sp1_install_args *a, size_t i, sp1_span *held) {
  held->n = 0;
  if (a->chain[i].n == 8 && !sp1_find_held(d, a->chain[i].p, held)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "a chain certificate is named that is not held here");
  }
  return SP1_OK;
}

static int hash_chain(sp1_device *d, const sp1_install_args *a, uint8_t out[32]) {
  uint8_t chunk[SP1_CHUNK];
  sp1_sha256 s;
  sp1_span held;
  size_t i;
  sp1_sha256_init(&s);
  for (i = 0; i < a->certs; i++) {
    int status = resolve(d, a, i, &held);
    if (status == SP1_OK && held.n == 0) {
      sp1_sha256_add(&s, a->chain[i].p, a->chain[i].n);
    }
    while (status == SP1_OK && held.n > 0) {
      uint32_t n = held.n < sizeof chunk ? held.n : (uint32_t)sizeof chunk;
      status = d->cfg.port->blob_read(d->cfg.port->ctx, held.slot, held.off, chunk, n);
      sp1_sha256_add(&s, chunk, n);
      held.off += n;
      held.n -= n;
    }
    if (status != SP1_OK) {
      return status;
    }
  }
  sp1_sha256_sum(&s, out);
  return SP1_OK;
}

static void hash_bytes(sp1_bytes b, uint8_t out[32]) {
  sp1_sha256 s;
  sp1_sha256_init(&s);
  sp1_sha256_add(&s, b.p, b.n);
  sp1_sha256_sum(&s, out);
}

/* Whether a blob is what these digests say: sum NULL is that there is none. */
static bool holds(sp1_device *d, unsigned bank, unsigned blob, const uint8_t *sum) {
  unsigned slot = sp1_slot(d, bank, blob, false);
  uint8_t have[32];
  if (sum == NULL) {
    return sp1_size(d, slot) == 0;
  }
  return sp1_size(d, slot) > 0 && sp1_hash(d, slot, have) == SP1_OK && memcmp(have, sum, sizeof have) == 0;
}

/* The very same is installed already: the first answer may have been lost, also after the device was sealed. */
static bool installed_before(sp1_device *d, const uint8_t *enroll_id, const uint8_t *leaf, const uint8_t *chain, const uint8_t *conf,
                             sp1_bytes key) {
  const sp1_generation *g = sp1_newest(d);
  unsigned bank = sp1_newest_bank(d);
  return g != NULL && g->installed && memcmp(g->enroll_id, enroll_id, 8) == 0 && holds(d, bank, SP1_BLOB_LEAF, leaf) &&
         holds(d, bank, SP1_BLOB_CHAIN, chain) && holds(d, bank, SP1_BLOB_TUNNEL, conf) && same_tunnel_key(d, bank, key);
}

static int write_bundle(sp1_device *d, unsigned bank, const sp1_install_args *a) {
  uint8_t chunk[SP1_CHUNK];
  uint32_t off = 0;
  size_t i;
  int status = append(d, sp1_slot(d, bank, SP1_BLOB_LEAF, true), &off, a->leaf.p, a->leaf.n);
  off = 0;
  for (i = 0; i < a->certs && status == SP1_OK; i++) {
    unsigned slot = sp1_slot(d, bank, SP1_BLOB_CHAIN, true);
    sp1_span held;
    status = resolve(d, a, i, &held);
    if (status == SP1_OK && held.n == 0) {
      status = append(d, slot, &off, a->chain[i].p, a->chain[i].n);
    }
    while (status == SP1_OK && held.n > 0) {
      uint32_t n = held.n < sizeof chunk ? held.n : (uint32_t)sizeof chunk;
      status = d->cfg.port->blob_read(d->cfg.port->ctx, held.slot, held.off, chunk, n);
      if (status == SP1_OK) {
        status = append(d, slot, &off, chunk, n);
      }
      held.off += n;
      held.n -= n;
    }
  }
  off = 0;
  if (status == SP1_OK && a->conf.n > 0) {
    status = append(d, sp1_slot(d, bank, SP1_BLOB_TUNNEL, true), &off, a->conf.p, a->conf.n);
  }
  return status == SP1_OK ? write_tunnel_key(d, bank, a->tunnel_key) : status;
}

/* Names what lies on the other side, so that COMMIT finds it. */
static int stage_bundle(sp1_device *d, unsigned bank) {
  sp1_staged found[SP1_BLOB_TUNNEL - SP1_BLOB_LEAF + 1];
  unsigned blob;
  int status;
  for (blob = SP1_BLOB_LEAF; blob <= SP1_BLOB_TUNNEL; blob++) {
    unsigned slot = sp1_slot(d, bank, blob, true);
    sp1_staged *s = &found[blob - SP1_BLOB_LEAF];
    sp1_put32(s->total, sp1_size(d, slot));
    status = sp1_hash(d, slot, s->sha256);
    if (status != SP1_OK) {
      return status;
    }
  }
  memcpy(d->rec.staged, found, sizeof d->rec.staged);
  status = sp1_save(d);
  return status == SP1_OK ? answer(d, bank, true) : status;
}

int sp1_install(sp1_device *d, sp1_bytes m) {
  sp1_generation *g;
  sp1_install_args a;
  uint8_t leaf[32], chain[32], conf[32];
  unsigned bank;
  int status;
  if (!sp1_read_install(m, &a)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "request does not decode");
  }
  if (a.certs == 0) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "no chain");
  }
  if (a.pins > 0) { /* ignored they would be missed when it is too late */
    return sp1_refuse(d, SP1_REFUSED, "this device has no unlock, and takes no pins");
  }
  status = tunnel_allowed(d, a.conf.n > 0, a.tunnel_key);
  if (status == SP1_OK) {
    status = hash_chain(d, &a, chain);
  }
  if (status != SP1_OK) {
    return status;
  }
  hash_bytes(a.leaf, leaf);
  hash_bytes(a.conf, conf);
  if (a.commit && installed_before(d, a.enroll_id, leaf, chain, a.conf.n > 0 ? conf : NULL, a.tunnel_key)) {
    return answer(d, sp1_newest_bank(d), false);
  }
  status = sp1_candidate(d, a.enroll_id, &g);
  if (status != SP1_OK) {
    return status;
  }
  bank = sp1_newest_bank(d);
  status = sp1_unstage(d, bank);
  if (status == SP1_OK) {
    status = write_bundle(d, bank, &a);
  }
  if (status == SP1_OK) {
    status = check(d, bank, a.tunnel_key.n > 0);
  }
  if (status != SP1_OK) {
    (void)sp1_unstage(d, bank); /* what it leaves is named by nothing */
    return status;
  }
  return a.commit ? switch_over(d, bank) : stage_bundle(d, bank);
}

/* --- PUT and COMMIT --------------------------------------------------------------------------------------------------- */

static int bad_offset(sp1_device *d, uint32_t next, const char *detail) {
  d->next_offset = next;
  return sp1_refuse(d, SP1_BAD_OFFSET, detail);
}

/* First what was there goes: until then the record names it, and nothing is put behind it that belongs to another object. */
static int begin_object(sp1_device *d, unsigned blob, const sp1_put_args *a) {
  sp1_staged *s = staged(d, blob);
  int status = drop(d, sp1_slot(d, sp1_newest_bank(d), blob, true));
  if (status != SP1_OK) {
    return status;
  }
  sp1_put32(s->total, a->total);
  memcpy(s->sha256, a->sha256, sizeof s->sha256);
  return sp1_save(d);
}

int sp1_put(sp1_device *d, sp1_bytes m) {
  sp1_generation *g;
  sp1_put_args a;
  sp1_staged *s;
  sp1_bytes none = {NULL, 0};
  sp1_writer w;
  uint32_t have;
  unsigned blob, slot;
  int status;
  if (!sp1_read_put(m, &a)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "request does not decode");
  }
  blob = blob_of(a.obj);
  if (blob == 0) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "this object is not put");
  }
  if (a.total > limit_of(blob)) {
    return sp1_refuse(d, SP1_TOO_LARGE, "object is too large");
  }
  status = tunnel_allowed(d, blob == SP1_BLOB_TUNNEL, none);
  if (status == SP1_OK) {
    status = sp1_candidate(d, a.enroll_id, &g);
  }
  if (status != SP1_OK) {
    return status;
  }
  s = staged(d, blob);
  slot = sp1_slot(d, sp1_newest_bank(d), blob, true);
  have = sp1_size(d, slot);
  if (sp1_get32(s->total) != a.total || memcmp(s->sha256, a.sha256, sizeof s->sha256) != 0) { /* another object: from the start */
    have = 0;
    if (a.off == 0) {
      status = begin_object(d, blob, &a);
    }
  }
  if (status == SP1_OK && a.off != have) {
    return bad_offset(d, have, "piece does not start where the last ended");
  }
  if (status == SP1_OK) {
    status = append(d, slot, &have, a.data.p, a.data.n);
  }
  if (status != SP1_OK) {
    return status;
  }
  sp1_begin(d, &w, 1);
  sp1_write_uint(&w, 2, have);
  return sp1_finish(d, &w);
}

/* Whether all of an object has come, and is what its digest says. What is not can only be begun anew. */
static int whole(sp1_device *d, unsigned bank, unsigned blob, const uint8_t *want) {
  sp1_staged *s = staged(d, blob);
  unsigned slot = sp1_slot(d, bank, blob, true);
  uint32_t have = sp1_size(d, slot);
  uint8_t sum[32];
  int status;
  if (sp1_get32(s->total) == 0) {
    return sp1_refuse(d, SP1_WRONG_STATE, "an object that is named was not put");
  }
  if (have < sp1_get32(s->total)) {
    return bad_offset(d, have, "an object is not whole");
  }
  status = sp1_hash(d, slot, sum);
  if (status != SP1_OK) {
    return status;
  }
  if (memcmp(sum, want, sizeof sum) != 0 || memcmp(s->sha256, want, sizeof sum) != 0) {
    memset(s, 0, sizeof *s);
    status = sp1_save(d);
    if (status == SP1_OK) {
      status = drop(d, slot);
    }
    return status == SP1_OK ? sp1_refuse(d, SP1_HASH_MISMATCH, "an object has another digest") : status;
  }
  return SP1_OK;
}

int sp1_commit(sp1_device *d, sp1_bytes m) {
  sp1_generation *g;
  sp1_commit_args a;
  unsigned bank;
  int status;
  if (!sp1_read_commit(m, &a)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "request does not decode");
  }
  if (a.other) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "an object that is named is not committed");
  }
  if (a.leaf == NULL || a.chain == NULL) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "commit names no leaf or no CA file");
  }
  if (installed_before(d, a.enroll_id, a.leaf, a.chain, a.tunnel, a.tunnel_key)) {
    return answer(d, sp1_newest_bank(d), false);
  }
  status = tunnel_allowed(d, a.tunnel != NULL, a.tunnel_key);
  if (status == SP1_OK) {
    status = sp1_candidate(d, a.enroll_id, &g);
  }
  if (status != SP1_OK) {
    return status;
  }
  bank = sp1_newest_bank(d);
  status = whole(d, bank, SP1_BLOB_LEAF, a.leaf);
  if (status == SP1_OK) {
    status = whole(d, bank, SP1_BLOB_CHAIN, a.chain);
  }
  if (status == SP1_OK && a.tunnel != NULL) {
    status = whole(d, bank, SP1_BLOB_TUNNEL, a.tunnel);
  }
  if (status == SP1_OK && a.tunnel == NULL) {
    status = drop(d, sp1_slot(d, bank, SP1_BLOB_TUNNEL, true));
  }
  if (status == SP1_OK) {
    status = write_tunnel_key(d, bank, a.tunnel_key);
  }
  if (status == SP1_OK) {
    status = check(d, bank, a.tunnel_key.n > 0);
  }
  if (status != SP1_OK) {
    (void)drop(d, sp1_slot(d, bank, SP1_BLOB_TUNNEL_KEY, true)); /* no secret stays of what was refused */
    return status;
  }
  return switch_over(d, bank);
}
