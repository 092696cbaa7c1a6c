/* Runs the vector files: sp1-vectors DIRECTORY. No Go is needed for it. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One block of a vector file: lines "key: value". */
typedef struct block {
  char text[TEXT_MOST];
  size_t n;
} block;

static unsigned failures, runs;

static const char *get(const block *b, const char *key) {
  size_t at = 0, len = strlen(key);
  while (at < b->n) {
    const char *line = b->text + at;
    if (strncmp(line, key, len) == 0 && line[len] == ':') {
      return line + len + 1 + strspn(line + len + 1, " ");
    }
    at += strlen(line) + 1;
  }
  return NULL;
}

static unsigned long num(const block *b, const char *key) {
  const char *v = get(b, key);
  return v == NULL ? 0 : strtoul(v, NULL, 0);
}

static void fail(const block *b, const char *what) {
  const char *name = get(b, "name");
  failures++;
  printf("FAIL %s: %s\n", name == NULL ? "?" : name, what);
}

static size_t hex(const block *b, const char *key, uint8_t *out) {
  const char *v = get(b, key);
  size_t n;
  if (v == NULL || !text_unhex(v, out, TEXT_MOST, &n)) {
    fail(b, key);
    return 0;
  }
  return n;
}

static void cobs(const block *b) {
  static uint8_t enc[TEXT_MOST], plain[TEXT_MOST], got[TEXT_MOST + 300];
  size_t enc_n = hex(b, "encoded", enc), n = 0, i;
  sp1_cobs e;
  memcpy(got, enc, enc_n);
  if (get(b, "error") != NULL) {
    if (sp1_cobs_decode(got, enc_n, &n)) {
      fail(b, "was decoded");
    }
    return;
  }
  i = hex(b, "plain", plain);
  if (!sp1_cobs_decode(got, enc_n, &n) || n != i || memcmp(got, plain, n) != 0) {
    fail(b, "decodes to something else");
  }
  sp1_cobs_begin(&e, got);
  for (i = 0; i < n; i++) {
    sp1_cobs_put(&e, plain[i]);
  }
  if (get(b, "decode-only") == NULL && (sp1_cobs_end(&e) != enc_n || memcmp(got, enc, enc_n) != 0)) {
    fail(b, "encodes to something else");
  }
}

/* Cuts the wire as a receiver does, and counts the sound frames; the last one is in f. */
static unsigned cut(uint8_t *wire, size_t n, uint32_t session, sp1_frame *f) {
  unsigned found = 0;
  size_t at = 0, i;
  for (i = 0; i < n; i++) {
    if (wire[i] == 0) {
      if (i > at && i - at <= SP1_MAX_SEGMENT && sp1_frame_decode(wire + at, i - at, session, f)) {
        found++;
      }
      at = i + 1;
    }
  }
  return found;
}

static void frame(const block *b) {
  static uint8_t wire[TEXT_MOST], got[TEXT_MOST], payload[TEXT_MOST];
  uint8_t out[SP1_MAX_WIRE];
  uint32_t session = (uint32_t)num(b, "session");
  size_t n = hex(b, "wire", wire), len;
  sp1_frame f;
  memcpy(got, wire, n);
  memset(&f, 0, sizeof f);
  if (get(b, "error") != NULL) {
    if (cut(got, n, session, &f) != 0) {
      fail(b, "was taken");
    }
    return;
  }
  len = hex(b, "payload", payload);
  if (cut(got, n, session, &f) != 1 || f.dir != num(b, "dir") || f.kind != num(b, "kind") || f.id != num(b, "id") ||
      f.idx != num(b, "idx") || f.last != num(b, "last") || f.n != len || memcmp(f.p, payload, len) != 0) {
    fail(b, "decodes to something else");
  }
  f.p = payload;
  if (get(b, "decode-only") == NULL && (sp1_frame_encode(out, session, &f) != n || memcmp(out, wire, n) != 0)) {
    fail(b, "encodes to something else");
  }
}

static void message(const block *b) {
  static uint8_t cbor[TEXT_MOST], out[TEXT_MOST];
  sp1_bytes m;
  m.n = hex(b, "cbor", cbor);
  m.p = cbor;
  if (!sp1_cbor_strict(m.p, m.n) || text_accepts(get(b, "type"), m) == 0) {
    fail(b, "was refused");
    return;
  }
  if (text_reencode(m, out, sizeof out) != m.n || memcmp(out, cbor, m.n) != 0) {
    fail(b, "is written differently");
  }
  while (m.n-- > 0) { /* no prefix is a message */
    if (sp1_cbor_strict(m.p, m.n)) {
      fail(b, "a prefix was taken");
    }
  }
}

/* A receiver refuses these. Types that only a station receives are refused by what holds for all messages, or not looked at. */
static void refused(const block *b) {
  static uint8_t cbor[TEXT_MOST];
  sp1_bytes m;
  int taken;
  m.n = hex(b, "cbor", cbor);
  m.p = cbor;
  taken = text_accepts(get(b, "type"), m);
  if (taken > 0) {
    fail(b, "was taken");
  }
}

static bool run(const char *dir, const char *name, void (*one)(const block *)) {
  static block b;
  static char line[TEXT_MOST];
  char path[512];
  FILE *f;
  bool more = true;
  if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path || (f = fopen(path, "r")) == NULL) {
    printf("FAIL cannot read %s/%s\n", dir, name);
    return false;
  }
  b.n = 0;
  while (more) {
    more = fgets(line, sizeof line, f) != NULL;
    line[strcspn(line, "\n")] = 0;
    if (more && line[0] == '#') {
      continue;
    }
    if (more && line[0] != 0 && b.n + strlen(line) + 1 <= sizeof b.text) {
      memcpy(b.text + b.n, line, strlen(line) + 1);
      b.n += strlen(line) + 1;
      continue;
    }
    if (b.n > 0) {
      one(&b);
      runs++;
    }
    b.n = 0;
  }
  fclose(f);
  return true;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: sp1-vectors DIRECTORY\n", stderr);
    return 2;
  }
  if (!run(argv[1], "cobs.txt", cobs) || !run(argv[1], "frames.txt", frame) || !run(argv[1], "messages.txt", message) ||
      !run(argv[1], "refused.txt", refused)) {
    return 1;
  }
  printf("%u vectors, %u failures\n", runs, failures);
  return failures == 0 && runs > 0 ? 0 : 1;
}
