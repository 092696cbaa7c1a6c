/* Consistent Overhead Byte Stuffing (Cheshire and Baker) and CRC-32C. */
#include "sp1_internal.h"

/* A group holds up to 254 bytes that are not zero; its code byte is one more than their number. */
#define FULL 255U

void sp1_cobs_begin(sp1_cobs *e, uint8_t *dst) {
  e->dst = dst;
  e->code = 0;
  e->n = 1;
  e->run = 1;
}

void sp1_cobs_put(sp1_cobs *e, uint8_t b) {
  if (e->run == FULL) { /* opened only now: a full group at the very end has no empty one behind it */
    e->dst[e->code] = (uint8_t)FULL;
    e->code = e->n++;
    e->run = 1;
  }
  if (b == 0) {
    e->dst[e->code] = (uint8_t)e->run;
    e->code = e->n++;
    e->run = 1;
    return;
  }
  e->dst[e->n++] = b;
  e->run++;
}

size_t sp1_cobs_end(sp1_cobs *e) {
  e->dst[e->code] = (uint8_t)e->run;
  return e->n;
}

bool sp1_cobs_decode(uint8_t *p, size_t n, size_t *out) {
  size_t from = 0, to = 0;
  while (from < n) {
    size_t code = p[from], i;
    if (code == 0 || code > n - from) {
      return false;
    }
    for (i = 1; i < code; i++) {
      if (p[from + i] == 0) {
        return false;
      }
      p[to++] = p[from + i];
    }
    from += code;
    if (code != FULL && from < n) {
      p[to++] = 0;
    }
  }
  *out = to;
  return true;
}

/* Four bits at a time: 64 bytes of table, and fast enough for any UART. */
static const uint32_t castagnoli[16] = {
    0x00000000U, 0x105ec76fU, 0x20bd8edeU, 0x30e349b1U, 0x417b1dbcU, 0x5125dad3U, 0x61c69362U, 0x7198540dU,
    0x82f63b78U, 0x92a8fc17U, 0xa24bb5a6U, 0xb21572c9U, 0xc38d26c4U, 0xd3d3e1abU, 0xe330a81aU, 0xf36e6f75U,
};

uint32_t sp1_crc32c(uint32_t crc, const uint8_t *p, size_t n) {
  size_t i;
  crc = ~crc;
  for (i = 0; i < n; i++) {
    crc ^= p[i];
    crc = (crc >> 4) ^ castagnoli[crc & 15U];
    crc = (crc >> 4) ^ castagnoli[crc & 15U];
  }
  return ~crc;
}
