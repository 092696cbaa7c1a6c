/* What else a station asks: what the device is and holds, certificates back, a signature, the seal, the clock. */
#include "sp1_internal.h"

#include <string.h>

#define DEFAULT_SIGNATURES 16U
#define CLOCK_REACH (INT64_C(20) * 365 * 24 * 3600 * 1000000) /* beyond the build; one wrong time must not hold for ever */

/* --- responses -------------------------------------------------------------------------------------------------------- */

void sp1_begin(sp1_device *d, sp1_writer *w, unsigned keys) {
  w->p = d->cfg.message;
  w->cap = d->cfg.message_size;
  w->n = 0;
  w->full = false;
  sp1_write_head(w, SP1_MAP, 1U + keys);
  sp1_write_uint(w, 0, SP1_OK);
}

int sp1_finish(sp1_device *d, const sp1_writer *w) {
  if (w->full) {
    return sp1_refuse(d, SP1_TOO_LARGE, "response larger than agreed");
  }
  sp1_respond(d, w->n);
  return SP1_OK;
}

uint8_t *sp1_scratch(sp1_device *d, size_t *cap) {
  *cap = d->cfg.message_size - d->size;
  return d->cfg.message + d->size;
}

static int done(sp1_device *d) {
  sp1_writer w;
  sp1_begin(d, &w, 0);
  return sp1_finish(d, &w);
}

static int malformed(sp1_device *d) { return sp1_refuse(d, SP1_BAD_ARGUMENT, "request does not decode"); }

/* --- who and what it is ----------------------------------------------------------------------------------------------- */

static bool present(const char *s) { return s != NULL && s[0] != 0; }

size_t sp1_encode_announce(sp1_device *d, uint8_t *p, size_t cap) {
  sp1_writer w = {NULL, 0, 0, false};
  w.p = p;
  w.cap = cap;
  sp1_write_head(&w, SP1_MAP, 3U + present(d->cfg.model) + present(d->cfg.serial));
  sp1_write_uint(&w, 1, SP1_VERSION);
  sp1_write_uint(&w, 2, SP1_VERSION);
  if (present(d->cfg.model)) {
    sp1_write_text(&w, 8, d->cfg.model);
  }
  if (present(d->cfg.serial)) {
    sp1_write_text(&w, 9, d->cfg.serial);
  }
  sp1_write_bytes(&w, 11, d->boot, sizeof d->boot);
  return w.n;
}

static uint32_t features(const sp1_device *d) {
  const sp1_port *port = d->cfg.port;
  return SP1_FEATURE_SIGN_TLS13 | (port->clock_set != NULL ? SP1_FEATURE_SET_CLOCK : 0) |
         (port->tunnel_make != NULL ? SP1_FEATURE_WIREGUARD : 0);
}

int64_t sp1_now(const sp1_device *d) {
  int64_t now = d->cfg.port->clock_get != NULL ? d->cfg.port->clock_get(d->cfg.port->ctx) : 0;
  return now > 0 ? now : 0;
}

/* What is shown is the newest generation where anything is installed for it, else the one in use. */
static unsigned shown(sp1_device *d) {
  const sp1_generation *newest = sp1_newest(d);
  if (newest != NULL && newest->installed) {
    return sp1_newest_bank(d);
  }
  return d->rec.active == 0 ? SP1_NO_BANK : d->rec.active - 1U;
}

/* The i-th chain certificate of a bank's installed files. */
static bool chain_cert(sp1_device *d, unsigned bank, unsigned i, sp1_span *cert) {
  sp1_span rest, content;
  uint8_t tag;
  unsigned k;
  if (!d->rec.bank[bank].installed) {
    return false;
  }
  rest.slot = sp1_slot(d, bank, SP1_BLOB_CHAIN, false);
  rest.off = 0;
  rest.n = sp1_size(d, rest.slot);
  for (k = 0; k <= i; k++) {
    if (rest.n == 0 || !sp1_der_take(d, &rest, &tag, cert, &content)) {
      return false;
    }
  }
  return true;
}

static unsigned banks(const sp1_device *d, unsigned order[SP1_BANKS]) {
  unsigned n = 0;
  if (d->rec.newest != 0) {
    order[n++] = d->rec.newest - 1U;
  }
  if (d->rec.active != 0 && d->rec.active != d->rec.newest) {
    order[n++] = d->rec.active - 1U;
  }
  return n;
}

unsigned sp1_held(sp1_device *d, uint8_t prefixes[SP1_MAX_CHAIN][8]) {
  unsigned order[SP1_BANKS], count = banks(d, order), b, i, k, n = 0;
  sp1_span cert;
  for (b = 0; b < count; b++) {
    for (i = 0; n < SP1_MAX_CHAIN && chain_cert(d, order[b], i, &cert); i++) {
      uint8_t sum[32];
      if (sp1_hash_range(d, cert.slot, cert.off, cert.n, sum) != SP1_OK) {
        return n;
      }
      for (k = 0; k < n && memcmp(prefixes[k], sum, 8) != 0; k++) {
      }
      if (k == n) {
        memcpy(prefixes[n++], sum, 8);
      }
    }
  }
  return n;
}

bool sp1_find_held(sp1_device *d, const uint8_t prefix[8], sp1_span *cert) {
  unsigned order[SP1_BANKS], count = banks(d, order), b, i;
  for (b = 0; b < count; b++) {
    for (i = 0; chain_cert(d, order[b], i, cert); i++) {
      uint8_t sum[32];
      if (sp1_hash_range(d, cert->slot, cert->off, cert->n, sum) == SP1_OK && memcmp(sum, prefix, 8) == 0) {
        return true;
      }
    }
  }
  return false;
}

size_t sp1_encode_welcome(sp1_device *d, uint32_t wanted) {
  const sp1_generation *newest = sp1_newest(d);
  unsigned bank = shown(d), held, i;
  uint8_t prefixes[SP1_MAX_CHAIN][8], leaf[32];
  int64_t now = sp1_now(d);
  bool has_leaf = bank != SP1_NO_BANK && sp1_hash(d, sp1_slot(d, bank, SP1_BLOB_LEAF, false), leaf) == SP1_OK;
  sp1_writer w = {NULL, 0, 0, false};
  held = sp1_held(d, prefixes);
  w.p = d->welcome;
  w.cap = sizeof d->welcome;
  sp1_write_head(&w, SP1_MAP,
                 9U + present(d->cfg.model) + present(d->cfg.serial) + present(d->cfg.firmware) + (held > 0) + (now > 0) +
                     (newest != NULL) + has_leaf);
  sp1_write_uint(&w, 1, SP1_VERSION);
  sp1_write_uint(&w, 3, d->session);
  sp1_write_uint(&w, 4, d->mtu);
  sp1_write_uint(&w, 5, d->win);
  sp1_write_uint(&w, 6, d->max);
  sp1_write_uint(&w, 7, features(d) & wanted);
  if (present(d->cfg.model)) {
    sp1_write_text(&w, 8, d->cfg.model);
  }
  if (present(d->cfg.serial)) {
    sp1_write_text(&w, 9, d->cfg.serial);
  }
  if (present(d->cfg.firmware)) {
    sp1_write_text(&w, 10, d->cfg.firmware);
  }
  sp1_write_bytes(&w, 11, d->boot, sizeof d->boot);
  sp1_write_uint(&w, 12, (uint64_t)sp1_state(d));
  if (held > 0) {
    sp1_write_head(&w, SP1_UINT, 13);
    sp1_write_head(&w, SP1_ARRAY, held);
    for (i = 0; i < held; i++) {
      uint8_t *to;
      sp1_write_head(&w, SP1_BSTR, 8);
      to = sp1_write_room(&w, 8);
      if (to != NULL) {
        memcpy(to, prefixes[i], 8);
      }
    }
  }
  if (now > 0) {
    sp1_write_uint(&w, 14, (uint64_t)now);
  }
  if (newest != NULL) {
    sp1_write_bytes(&w, 15, newest->spki, 16);
  }
  if (has_leaf) {
    sp1_write_bytes(&w, 16, leaf, 16);
  }
  sp1_write_uint(&w, 17, d->cfg.reenroll);
  return w.full ? 0 : w.n;
}

/* --- STATUS ----------------------------------------------------------------------------------------------------------- */

uint32_t sp1_signatures_left(const sp1_device *d, const sp1_generation *g) {
  uint32_t most = d->cfg.signatures == 0 ? DEFAULT_SIGNATURES : d->cfg.signatures, used = sp1_get32(g->signatures);
  return used < most ? most - used : 0;
}

/* One object of the newest generation: on its way, else installed. */
typedef struct object {
  bool there;
  uint32_t length, received;
  uint8_t digest[32];
} object;

static int describe(sp1_device *d, unsigned bank, uint8_t obj, object *o) {
  static const uint8_t blobs[] = {0, SP1_BLOB_LEAF, SP1_BLOB_CHAIN, SP1_BLOB_CHAIN, SP1_BLOB_TUNNEL};
  unsigned slot, n;
  sp1_span root;
  o->there = false;
  if (obj != SP1_OBJ_CHAIN) {
    const sp1_staged *s = &d->rec.staged[blobs[obj] - SP1_BLOB_LEAF];
    if (sp1_get32(s->total) != 0) {
      o->there = true;
      o->length = sp1_get32(s->total);
      o->received = sp1_size(d, sp1_slot(d, bank, blobs[obj], true));
      memcpy(o->digest, s->sha256, sizeof o->digest);
      return SP1_OK;
    }
  }
  slot = sp1_slot(d, bank, blobs[obj], false);
  o->length = sp1_size(d, slot);
  if (!d->rec.bank[bank].installed || o->length == 0) {
    return SP1_OK;
  }
  if (obj == SP1_OBJ_CHAIN) {
    if (!sp1_der_count(d, slot, &n, &root)) {
      return SP1_INTERNAL;
    }
    o->length = root.off;
  }
  o->there = true;
  o->received = o->length;
  return sp1_hash_range(d, slot, 0, o->length, o->digest);
}

static void write_objects(sp1_writer *w, const object objects[], unsigned n) {
  uint8_t obj;
  sp1_write_head(w, SP1_UINT, 4);
  sp1_write_head(w, SP1_MAP, n);
  for (obj = SP1_OBJ_LEAF; obj <= SP1_OBJ_TUNNEL; obj++) {
    const object *o = &objects[obj];
    uint8_t *to;
    if (!o->there) {
      continue;
    }
    sp1_write_head(w, SP1_UINT, obj);
    sp1_write_head(w, SP1_ARRAY, 3);
    sp1_write_head(w, SP1_UINT, o->length);
    sp1_write_head(w, SP1_BSTR, 8);
    to = sp1_write_room(w, 8);
    if (to != NULL) {
      memcpy(to, o->digest, 8);
    }
    sp1_write_head(w, SP1_UINT, o->received < o->length ? o->received : o->length);
  }
}

int sp1_status(sp1_device *d, sp1_bytes m) {
  const sp1_generation *g = sp1_newest(d), *active = sp1_active(d);
  unsigned bank = sp1_newest_bank(d), objects = 0;
  object o[SP1_OBJ_TUNNEL + 1];
  uint8_t leaf[32], obj;
  bool installed = g != NULL && g->installed, beside = active != NULL && active != g;
  int64_t now = sp1_now(d);
  sp1_writer w;
  int status = SP1_OK;
  if (!sp1_read_simple(m)) {
    return malformed(d);
  }
  for (obj = SP1_OBJ_LEAF; g != NULL && obj <= SP1_OBJ_TUNNEL && status == SP1_OK; obj++) {
    status = describe(d, bank, obj, &o[obj]);
    objects += o[obj].there;
  }
  if (status == SP1_OK && installed) {
    status = sp1_hash(d, sp1_slot(d, bank, SP1_BLOB_LEAF, false), leaf);
  }
  if (status != SP1_OK) {
    return status;
  }
  sp1_begin(d, &w, 3U + (now > 0) + (objects > 0) + (g == NULL ? 0 : 7U + (g->tunnel != 0)) + installed + (active != NULL) + beside);
  sp1_write_uint(&w, 1, (uint64_t)sp1_state(d));
  if (g != NULL) {
    sp1_write_bytes(&w, 2, g->spki, sizeof g->spki);
    sp1_write_bytes(&w, 3, g->csr, sizeof g->csr);
  }
  if (objects > 0) {
    write_objects(&w, o, objects);
  }
  if (g != NULL) {
    sp1_write_uint(&w, 5, sp1_get32(g->number));
    sp1_write_bytes(&w, 6, g->enroll_id, sizeof g->enroll_id);
  }
  if (installed) {
    sp1_write_bytes(&w, 7, leaf, sizeof leaf);
  }
  if (now > 0) {
    sp1_write_uint(&w, 8, (uint64_t)now);
  }
  if (g != NULL && g->tunnel) {
    sp1_write_bytes(&w, 9, g->tunnel_public, sizeof g->tunnel_public);
  }
  if (g != NULL) {
    uint8_t *to;
    sp1_write_head(&w, SP1_UINT, 10);
    sp1_write_head(&w, SP1_TSTR, g->id_len);
    to = sp1_write_room(&w, g->id_len);
    if (to != NULL) {
      memcpy(to, g->id, g->id_len);
    }
  }
  if (active != NULL) {
    sp1_write_uint(&w, 11, sp1_get32(active->number));
  }
  sp1_write_uint(&w, 12, d->cfg.reenroll);
  sp1_write_uint(&w, 13, d->cfg.key_store);
  if (g != NULL) {
    sp1_write_uint(&w, 14, g->alg);
    sp1_write_uint(&w, 15, sp1_signatures_left(d, g));
  }
  if (beside) {
    sp1_write_bytes(&w, 16, active->spki, sizeof active->spki);
  }
  return status == SP1_OK ? sp1_finish(d, &w) : status;
}

/* --- READ ------------------------------------------------------------------------------------------------------------- */

int sp1_read(sp1_device *d, sp1_bytes m) {
  unsigned bank = shown(d), slot, n, i;
  sp1_span rest, cert, content, root;
  uint8_t obj, tag, *to;
  sp1_writer w;
  int status = SP1_OK;
  if (!sp1_read_object(m, &obj)) {
    return malformed(d);
  }
  if (bank == SP1_NO_BANK) {
    return sp1_refuse(d, SP1_WRONG_STATE, "nothing is installed");
  }
  slot = sp1_slot(d, bank, obj == SP1_OBJ_LEAF ? SP1_BLOB_LEAF : SP1_BLOB_CHAIN, false);
  if (!sp1_der_count(d, slot, &n, &root)) {
    return SP1_INTERNAL;
  }
  n -= obj == SP1_OBJ_CHAIN ? 1U : 0U;
  rest.slot = slot;
  rest.off = 0;
  rest.n = root.off + root.n;
  sp1_begin(d, &w, 1);
  sp1_write_head(&w, SP1_UINT, 1);
  sp1_write_head(&w, SP1_ARRAY, n);
  for (i = 0; i < n && status == SP1_OK; i++) {
    if (!sp1_der_take(d, &rest, &tag, &cert, &content)) {
      return SP1_INTERNAL;
    }
    sp1_write_head(&w, SP1_BSTR, cert.n);
    to = sp1_write_room(&w, cert.n);
    if (to != NULL) {
      status = d->cfg.port->blob_read(d->cfg.port->ctx, slot, cert.off, to, cert.n);
    }
  }
  return status == SP1_OK ? sp1_finish(d, &w) : status;
}

/* --- SIGN_TLS13 ------------------------------------------------------------------------------------------------------- */

static uint16_t scheme_of(uint8_t alg) { return alg == SP1_P256 ? 0x0403 : alg == SP1_P384 ? 0x0503 : 0x0807; }

/* What a TLS 1.3 client signs (RFC 8446 4.4.3): never what somebody hands over. */
static size_t content_of(uint8_t out[64 + 34 + 48], sp1_bytes hash) {
  static const char context[34] = "TLS 1.3, client CertificateVerify"; /* and its 00 */
  memset(out, 0x20, 64);
  memcpy(out + 64, context, sizeof context);
  memcpy(out + 64 + sizeof context, hash.p, hash.n);
  return 64 + sizeof context + hash.n;
}

int sp1_sign(sp1_device *d, sp1_bytes m) {
  const sp1_port *port = d->cfg.port;
  sp1_generation *g = sp1_newest(d);
  uint8_t content[64 + 34 + 48], *sig;
  sp1_sign_args a;
  sp1_writer w;
  size_t cap, n = 0;
  int status;
  if (!sp1_read_sign(m, &a)) {
    return malformed(d);
  }
  if (d->step == 0) {
    switch (sp1_state(d)) {
      case SP1_INSTALLED:
        break;
      case SP1_SEALED:
        return sp1_refuse(d, SP1_LOCKED, "sealed; TLS 1.3 is not signed any more");
      default:
        return sp1_refuse(d, SP1_WRONG_STATE, "nothing is installed");
    }
    if (sp1_signatures_left(d, g) == 0) {
      return sp1_refuse(d, SP1_REFUSED, "no TLS signature left for this key");
    }
    if (a.scheme != scheme_of(g->alg)) {
      return sp1_refuse(d, SP1_BAD_ARGUMENT, "scheme is not this key's");
    }
    sp1_put32(g->signatures, sp1_get32(g->signatures) + 1U); /* counted before it is given out */
    status = sp1_save(d);
    if (status != SP1_OK) {
      return status;
    }
    d->step = 1;
  }
  sig = sp1_scratch(d, &cap);
  status = port->key_sign(port->ctx, sp1_newest_bank(d), content, content_of(content, a.hash), sig, cap, &n);
  if (status != SP1_OK) {
    return status == SP1_AGAIN ? status : sp1_refuse(d, SP1_CRYPTO, "signing failed");
  }
  sp1_begin(d, &w, 1);
  sp1_write_bytes(&w, 1, sig, n);
  return sp1_finish(d, &w);
}

/* --- LOCK ------------------------------------------------------------------------------------------------------------- */

static int publish(sp1_device *d) {
  const sp1_generation *g = sp1_active(d);
  if (g == NULL || d->cfg.port->publish == NULL) {
    return SP1_OK;
  }
  return d->cfg.port->publish(d->cfg.port->ctx, d->rec.active - 1U, g, g->side, d->rec.flag, d->rec.flag_len);
}

int sp1_lock(sp1_device *d, sp1_bytes m) {
  const sp1_generation *newest = sp1_newest(d), *active = sp1_active(d);
  sp1_generation *g;
  sp1_lock_args a;
  uint8_t before = d->rec.active;
  int status;
  if (!sp1_read_lock(m, &a)) {
    return malformed(d);
  }
  if (sp1_state(d) == SP1_SEALED && memcmp(newest->enroll_id, a.enroll_id, 8) == 0) {
    status = publish(d); /* the first answer may have been lost, or the first time have failed half way */
    return status == SP1_OK ? done(d) : status;
  }
  status = sp1_candidate(d, a.enroll_id, &g);
  if (status != SP1_OK) {
    return status;
  }
  if (!g->installed) {
    return sp1_refuse(d, SP1_WRONG_STATE, "nothing is installed");
  }
  if (active != NULL) {
    sp1_retire(d, active->enroll_id);
    memset(&d->rec.bank[before - 1U], 0, sizeof d->rec.bank[0]);
  }
  d->rec.active = d->rec.newest;
  memset(d->rec.staged, 0, sizeof d->rec.staged);
  d->rec.flag_len = (uint8_t)a.flag.n;
  memset(d->rec.flag, 0, sizeof d->rec.flag);
  if (a.flag.n > 0) {
    memcpy(d->rec.flag, a.flag.p, a.flag.n);
  }
  status = sp1_save(d);
  if (status == SP1_OK) {
    status = publish(d);
  }
  if (status == SP1_OK && before != 0) {
    status = sp1_drop_bank(d, before - 1U);
  }
  if (status != SP1_OK) {
    return status;
  }
  return done(d);
}

/* --- CLOCK, REBOOT ---------------------------------------------------------------------------------------------------- */

static int64_t floor_of(const sp1_device *d) {
  return (int64_t)((uint64_t)sp1_get32(d->rec.floor) | (uint64_t)sp1_get32(d->rec.floor + 4) << 32);
}

static int set_clock(sp1_device *d, int64_t t) {
  int status;
  if (d->cfg.port->clock_set == NULL) {
    return sp1_refuse(d, SP1_REFUSED, "clock is not to be set");
  }
  if (sp1_state(d) == SP1_SEALED) {
    return sp1_refuse(d, SP1_LOCKED, "device is sealed");
  }
  if (t < d->cfg.build_time || t < floor_of(d)) {
    return sp1_refuse(d, SP1_REFUSED, "time is before the build, or before the highest seen");
  }
  if (d->cfg.build_time > 0 && t - d->cfg.build_time >= CLOCK_REACH) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "time is too far ahead");
  }
  sp1_put32(d->rec.floor, (uint32_t)((uint64_t)t & UINT32_MAX));
  sp1_put32(d->rec.floor + 4, (uint32_t)((uint64_t)t >> 32));
  status = sp1_save(d);
  return status == SP1_OK ? d->cfg.port->clock_set(d->cfg.port->ctx, t) : status;
}

int sp1_clock(sp1_device *d, sp1_bytes m) {
  int64_t set;
  sp1_writer w;
  int status = SP1_OK;
  if (!sp1_read_clock(m, &set)) {
    return malformed(d);
  }
  if (set != 0) {
    status = set_clock(d, set);
  }
  if (status != SP1_OK) {
    return status;
  }
  sp1_begin(d, &w, 1);
  sp1_write_uint(&w, 1, (uint64_t)sp1_now(d));
  return sp1_finish(d, &w);
}

static int reboot(sp1_device *d, sp1_bytes m) {
  int status;
  if (!sp1_read_simple(m)) {
    return malformed(d);
  }
  if (d->cfg.port->reboot == NULL) {
    return sp1_refuse(d, SP1_REFUSED, "reboot is not allowed");
  }
  status = done(d);
  d->reset = true; /* once the answer has left */
  return status;
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

int sp1_execute(sp1_device *d, sp1_bytes m) {
  if (!sp1_read_op(m, &d->op)) {
    return sp1_refuse(d, SP1_BAD_ARGUMENT, "malformed request");
  }
  if (d->rec.magic[0] == 0) {
    return sp1_refuse(d, SP1_INTERNAL, "storage is damaged");
  }
  switch (d->op) {
    case SP1_OP_STATUS:
      return sp1_status(d, m);
    case SP1_OP_ENROLL:
      return sp1_enroll(d, m);
    case SP1_OP_INSTALL:
      return sp1_install(d, m);
    case SP1_OP_PUT:
      return sp1_put(d, m);
    case SP1_OP_COMMIT:
      return sp1_commit(d, m);
    case SP1_OP_SIGN_TLS13:
      return sp1_sign(d, m);
    case SP1_OP_LOCK:
      return sp1_lock(d, m);
    case SP1_OP_REBOOT:
      return reboot(d, m);
    case SP1_OP_ABORT:
      return sp1_abort(d, m);
    case SP1_OP_CLOCK:
      return sp1_clock(d, m);
    case SP1_OP_READ:
      return sp1_read(d, m);
    default:
      return sp1_refuse(d, SP1_UNKNOWN_OP, "operation is not known here");
  }
}

static bool printable(const char *s, size_t most) {
  size_t n;
  for (n = 0; s != NULL && s[n] != 0; n++) {
    if (n == most || s[n] < 0x20 || s[n] > 0x7e) {
      return false;
    }
  }
  return true;
}

static bool complete(const sp1_port *p) {
  return p != NULL && p->write != NULL && p->millis != NULL && p->random != NULL && p->key_make != NULL && p->key_csr != NULL &&
         p->key_spki != NULL && p->key_sign != NULL && p->key_drop != NULL && p->record_load != NULL && p->record_save != NULL &&
         p->blob_size != NULL && p->blob_read != NULL && p->blob_append != NULL && p->blob_drop != NULL && p->check != NULL &&
         (p->clock_set == NULL || p->clock_get != NULL);
}

/* Drops what a power cut left of generations that are gone: a key that nothing refers to is a key too many. */
static void tidy(sp1_device *d) {
  unsigned bank;
  for (bank = 0; bank < SP1_BANKS; bank++) {
    if (sp1_get32(d->rec.bank[bank].number) == 0) {
      (void)sp1_drop_bank(d, bank); /* if it cannot be, the next key in this bank takes its place */
    } else if (d->rec.newest != bank + 1U || !sp1_any_staged(d)) {
      (void)sp1_drop_side(d, bank);
    }
  }
}

int sp1_init(sp1_device *d, const sp1_config *cfg) {
  int status;
  memset(d, 0, sizeof *d);
  d->cfg = *cfg;
  if (!complete(cfg->port) || cfg->message == NULL || cfg->message_size < SP1_LEAST_MESSAGE || cfg->message_size > SP1_MOST_MESSAGE ||
      cfg->mtu < SP1_LEAST_MTU || cfg->mtu > SP1_MAX_PAYLOAD || cfg->window < 1 || cfg->window > SP1_WINDOW_MAX ||
      !printable(cfg->model, SP1_MAX_MODEL) || !printable(cfg->serial, SP1_MAX_SERIAL) || !printable(cfg->firmware, SP1_MAX_FIRMWARE) ||
      (cfg->reenroll != SP1_REENROLL_NEVER && cfg->reenroll != SP1_REENROLL_OPEN) || cfg->key_store < 1 || cfg->key_store > 3) {
    return SP1_BAD_ARGUMENT;
  }
  status = cfg->port->random(cfg->port->ctx, d->boot, sizeof d->boot);
  if (status == SP1_OK) {
    status = sp1_load(d);
  }
  if (status == SP1_OK) {
    status = publish(d);
  }
  if (status == SP1_OK) {
    tidy(d);
  }
  sp1_line_opened(d);
  return status;
}
