/* What the device remembers: one record that decides, and blobs that it points to. */
#include "sp1_internal.h"

#include <string.h>

static const uint8_t magic[4] = {'S', 'P', '1', 1};

#define CHECKED (sizeof(sp1_record) - 4U)

static bool sound(const sp1_record *r) {
  unsigned b;
  if (memcmp(r->magic, magic, sizeof magic) != 0 || sp1_crc32c(0, (const uint8_t *)r, CHECKED) != sp1_get32(r->crc)) {
    return false;
  }
  if (r->newest > SP1_BANKS || r->active > SP1_BANKS || (r->active != 0 && r->newest == 0) || r->flag_len > SP1_MAX_FLAG ||
      r->retired_next >= SP1_RETIRED) {
    return false;
  }
  for (b = 0; b < SP1_BANKS; b++) {
    const sp1_generation *g = &r->bank[b];
    bool named = r->newest == b + 1U || r->active == b + 1U;
    if (g->id_len > SP1_MAX_ID || g->side > 1 || (named && (sp1_get32(g->number) == 0 || g->id_len == 0))) {
      return false;
    }
  }
  return true;
}

int sp1_load(sp1_device *d) {
  bool found = false;
  int status = d->cfg.port->record_load(d->cfg.port->ctx, (uint8_t *)&d->rec, sizeof d->rec, &found);
  if (status != SP1_OK) {
    return status;
  }
  if (!found) {
    memset(&d->rec, 0, sizeof d->rec);
    memcpy(d->rec.magic, magic, sizeof magic);
    return SP1_OK;
  }
  return sound(&d->rec) ? SP1_OK : SP1_INTERNAL;
}

/* What is not durable is not remembered either: a record that does not save is read back. */
int sp1_save(sp1_device *d) {
  int status;
  sp1_put32(d->rec.crc, sp1_crc32c(0, (const uint8_t *)&d->rec, CHECKED));
  status = d->cfg.port->record_save(d->cfg.port->ctx, (const uint8_t *)&d->rec, sizeof d->rec);
  if (status != SP1_OK && sp1_load(d) != SP1_OK) {
    memset(d->rec.magic, 0, sizeof d->rec.magic); /* answers internal from now on */
  }
  return status;
}

static sp1_generation *generation(sp1_device *d, uint8_t bank1) { return bank1 == 0 ? NULL : &d->rec.bank[bank1 - 1U]; }

sp1_generation *sp1_newest(sp1_device *d) { return generation(d, d->rec.newest); }

sp1_generation *sp1_active(sp1_device *d) { return generation(d, d->rec.active); }

unsigned sp1_newest_bank(const sp1_device *d) { return d->rec.newest == 0 ? SP1_NO_BANK : d->rec.newest - 1U; }

int sp1_state(const sp1_device *d) {
  if (d->rec.newest == 0) {
    return SP1_EMPTY;
  }
  if (d->rec.active == d->rec.newest) {
    return SP1_SEALED;
  }
  return d->rec.bank[d->rec.newest - 1U].installed ? SP1_INSTALLED : SP1_KEYED;
}

int sp1_refuse(sp1_device *d, int status, const char *detail) {
  d->detail = detail;
  return status;
}

int sp1_candidate(sp1_device *d, const uint8_t *enroll_id, sp1_generation **g) {
  *g = sp1_newest(d);
  if (*g == NULL) {
    return sp1_refuse(d, SP1_WRONG_STATE, "no key yet");
  }
  if (sp1_state(d) == SP1_SEALED) {
    return sp1_refuse(d, SP1_LOCKED, "device is sealed");
  }
  if (memcmp((*g)->enroll_id, enroll_id, 8) != 0) {
    return sp1_refuse(d, SP1_WRONG_STATE, "another enrollment is in progress");
  }
  return SP1_OK;
}

bool sp1_retired(const sp1_device *d, const uint8_t *enroll_id) {
  unsigned i;
  for (i = 0; i < SP1_RETIRED; i++) {
    if (memcmp(d->rec.retired[i], enroll_id, 8) == 0) {
      return true;
    }
  }
  return false;
}

void sp1_retire(sp1_device *d, const uint8_t *enroll_id) {
  memcpy(d->rec.retired[d->rec.retired_next], enroll_id, 8);
  d->rec.retired_next = (uint8_t)((d->rec.retired_next + 1U) % SP1_RETIRED);
}

unsigned sp1_slot(const sp1_device *d, unsigned bank, unsigned blob, bool staged) {
  unsigned side = d->rec.bank[bank].side;
  return SP1_SLOT(bank, blob, blob == SP1_BLOB_CSR ? 0U : staged ? side ^ 1U : side);
}

static int drop(sp1_device *d, unsigned slot) { return d->cfg.port->blob_drop(d->cfg.port->ctx, slot); }

int sp1_drop_bank(sp1_device *d, unsigned bank) {
  unsigned blob, side;
  int status = d->cfg.port->key_drop(d->cfg.port->ctx, bank);
  for (side = 0; side < 2; side++) {
    for (blob = 0; blob < SP1_BLOBS && status == SP1_OK; blob++) {
      status = drop(d, SP1_SLOT(bank, blob, side));
    }
  }
  return status;
}

bool sp1_any_staged(const sp1_device *d) {
  return (sp1_get32(d->rec.staged[0].total) | sp1_get32(d->rec.staged[1].total) | sp1_get32(d->rec.staged[2].total)) != 0;
}

int sp1_drop_side(sp1_device *d, unsigned bank) {
  unsigned blob;
  int status = SP1_OK;
  for (blob = SP1_BLOB_LEAF; blob < SP1_BLOBS && status == SP1_OK; blob++) {
    status = drop(d, sp1_slot(d, bank, blob, true));
  }
  return status;
}

int sp1_unstage(sp1_device *d, unsigned bank) {
  int status = SP1_OK;
  if (sp1_any_staged(d)) {
    memset(d->rec.staged, 0, sizeof d->rec.staged);
    status = sp1_save(d); /* first the record: what it does not name is nothing */
  }
  return status == SP1_OK ? sp1_drop_side(d, bank) : status;
}

uint32_t sp1_size(sp1_device *d, unsigned slot) {
  uint32_t n = 0;
  return d->cfg.port->blob_size(d->cfg.port->ctx, slot, &n) == SP1_OK ? n : 0;
}

int sp1_hash_range(sp1_device *d, unsigned slot, uint32_t off, uint32_t n, uint8_t out[32]) {
  uint8_t chunk[SP1_CHUNK];
  sp1_sha256 s;
  sp1_sha256_init(&s);
  while (n > 0) {
    uint32_t take = n < sizeof chunk ? n : (uint32_t)sizeof chunk;
    int status = d->cfg.port->blob_read(d->cfg.port->ctx, slot, off, chunk, take);
    if (status != SP1_OK) {
      return status;
    }
    sp1_sha256_add(&s, chunk, take);
    off += take;
    n -= take;
  }
  sp1_sha256_sum(&s, out);
  return SP1_OK;
}

int sp1_hash(sp1_device *d, unsigned slot, uint8_t out[32]) { return sp1_hash_range(d, slot, 0, sp1_size(d, slot), out); }
