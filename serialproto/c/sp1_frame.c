/* One frame: header, payload, CRC seeded with the session, COBS, delimiters. */
#include "sp1_internal.h"

#include <string.h>

uint32_t sp1_get32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void sp1_put32(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
  p[2] = (uint8_t)(v >> 16);
  p[3] = (uint8_t)(v >> 24);
}

static bool sessionless(uint8_t kind) {
  return kind == SP1_HELLO || kind == SP1_WELCOME || kind == SP1_ANNOUNCE || kind == SP1_LOG;
}

/* The session id is a pseudo header: a frame of another session has another seed, and never passes. */
static uint32_t seed(uint32_t session, uint8_t kind) {
  uint8_t b[4];
  sp1_put32(b, sessionless(kind) ? 0 : session);
  return sp1_crc32c(0, b, sizeof b);
}

size_t sp1_frame_encode(uint8_t out[SP1_MAX_WIRE], uint32_t session, const sp1_frame *f) {
  uint8_t head[SP1_HEADER], tail[SP1_CRC];
  uint32_t crc;
  sp1_cobs e;
  size_t i, n;
  if (f->n > SP1_MAX_PAYLOAD || f->kind > 15 || f->dir > 1) {
    return 0;
  }
  head[0] = (uint8_t)(SP1_VERSION << 5 | f->dir << 4 | f->kind);
  head[1] = f->id;
  head[2] = f->idx;
  head[3] = f->last;
  crc = sp1_crc32c(seed(session, f->kind), head, sizeof head);
  crc = sp1_crc32c(crc, f->p, f->n);
  sp1_put32(tail, crc);
  out[0] = 0;
  sp1_cobs_begin(&e, out + 1);
  for (i = 0; i < sizeof head; i++) {
    sp1_cobs_put(&e, head[i]);
  }
  for (i = 0; i < f->n; i++) {
    sp1_cobs_put(&e, f->p[i]);
  }
  for (i = 0; i < sizeof tail; i++) {
    sp1_cobs_put(&e, tail[i]);
  }
  n = sp1_cobs_end(&e);
  out[1 + n] = 0;
  return n + 2;
}

bool sp1_frame_decode(uint8_t *p, size_t n, uint32_t session, sp1_frame *f) {
  size_t len;
  if (n > SP1_MAX_SEGMENT || !sp1_cobs_decode(p, n, &len) || len < SP1_HEADER + SP1_CRC ||
      len > SP1_HEADER + SP1_MAX_PAYLOAD + SP1_CRC) {
    return false;
  }
  len -= SP1_CRC;
  if (sp1_crc32c(seed(session, p[0] & 15U), p, len) != sp1_get32(p + len)) {
    return false;
  }
  if (p[0] >> 5 != SP1_VERSION) { /* only a sound frame may be judged by its version */
    return false;
  }
  f->dir = p[0] >> 4 & 1U;
  f->kind = p[0] & 15U;
  f->id = p[1];
  f->idx = p[2];
  f->last = p[3];
  f->p = p + SP1_HEADER;
  f->n = len - SP1_HEADER;
  return true;
}
