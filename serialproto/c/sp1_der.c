/* As much of X.509 (RFC 5280 4.1) as it takes to find a certificate's end and its public key, straight from storage. */
#include "sp1_internal.h"

#define SEQUENCE 0x30
#define VERSION_TAG 0xa0

bool sp1_der_take(sp1_device *d, sp1_span *span, uint8_t *tag, sp1_span *whole, sp1_span *content) {
  uint8_t head[4];
  uint32_t want = span->n < sizeof head ? span->n : (uint32_t)sizeof head, used = 2, len;
  if (span->n < 2 || d->cfg.port->blob_read(d->cfg.port->ctx, span->slot, span->off, head, want) != SP1_OK) {
    return false;
  }
  *tag = head[0];
  len = head[1];
  if ((head[0] & 0x1fU) == 0x1fU) { /* a tag of several bytes: in no certificate */
    return false;
  }
  if (len == 0x81 && want >= 3 && head[2] >= 0x80) {
    len = head[2];
    used = 3;
  } else if (len == 0x82 && want >= 4 && head[2] != 0) {
    len = (uint32_t)head[2] << 8 | head[3];
    used = 4;
  } else if (len >= 0x80) { /* indefinite, not the shortest form, or larger than anything here */
    return false;
  }
  if (len > span->n - used) {
    return false;
  }
  whole->slot = content->slot = span->slot;
  whole->off = span->off;
  whole->n = used + len;
  content->off = span->off + used;
  content->n = len;
  span->off += whole->n;
  span->n -= whole->n;
  return true;
}

bool sp1_der_spki(sp1_device *d, sp1_span cert, sp1_span *spki) {
  sp1_span rest, tbs, whole, content;
  uint8_t tag;
  unsigned i;
  if (!sp1_der_take(d, &cert, &tag, &whole, &rest) || tag != SEQUENCE || cert.n != 0 ||
      !sp1_der_take(d, &rest, &tag, &whole, &tbs) || tag != SEQUENCE) {
    return false;
  }
  if (!sp1_der_take(d, &tbs, &tag, &whole, &content)) { /* version, or serialNumber where that is the default */
    return false;
  }
  if (tag == VERSION_TAG && !sp1_der_take(d, &tbs, &tag, &whole, &content)) {
    return false;
  }
  for (i = 0; i < 5; i++) { /* signature, issuer, validity, subject, subjectPublicKeyInfo */
    if (!sp1_der_take(d, &tbs, &tag, spki, &content) || tag != SEQUENCE) {
      return false;
    }
  }
  return true;
}

bool sp1_der_count(sp1_device *d, unsigned slot, unsigned *n, sp1_span *last) {
  sp1_span rest, content;
  uint8_t tag;
  rest.slot = slot;
  rest.off = 0;
  rest.n = sp1_size(d, slot);
  for (*n = 0; rest.n > 0; (*n)++) {
    if (*n == SP1_MAX_CHAIN || !sp1_der_take(d, &rest, &tag, last, &content) || tag != SEQUENCE || last->n > SP1_MAX_CERT) {
      return false;
    }
  }
  return *n > 0;
}
