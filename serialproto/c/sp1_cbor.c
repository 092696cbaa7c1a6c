/* CBOR (RFC 8949) as SP1 takes it: core deterministic encoding, integer keys, bounded. */
#include "sp1_internal.h"

#include <string.h>

#define MAX_DEPTH 4U /* the message itself is the first level, what is in it the second */
#define MAX_ARRAY 16U
#define MAX_PAIRS 32U

/* Reads the initial byte and argument of an item. n is how many bytes they took; 0: malformed. */
static size_t head(const uint8_t *p, size_t n, uint8_t *major, uint64_t *arg) {
  static const uint64_t least[4] = {24, 0x100, 0x10000, UINT64_C(0x100000000)};
  unsigned info;
  size_t i, len;
  if (n == 0) {
    return 0;
  }
  *major = p[0] >> 5;
  info = p[0] & 31U;
  if (info < 24) {
    *arg = info;
    return 1;
  }
  if (info > 27) { /* indefinite, or reserved */
    return 0;
  }
  len = (size_t)1 << (info - 24);
  if (n - 1 < len) {
    return 0;
  }
  *arg = 0;
  for (i = 1; i <= len; i++) {
    *arg = *arg << 8 | p[i];
  }
  return *arg < least[info - 24] ? 0 : 1 + len; /* only the shortest form */
}

static bool continuation(const uint8_t *p, size_t n, size_t i, size_t count) {
  size_t k;
  if (n - i <= count) {
    return false;
  }
  for (k = 1; k <= count; k++) {
    if ((p[i + k] & 0xc0U) != 0x80) {
      return false;
    }
  }
  return true;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool utf8(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n) {
    uint8_t b = p[i];
    if (b < 0x80) {
      i++;
    } else if (b >= 0xc2 && b <= 0xdf) {
      if (!continuation(p, n, i, 1)) {
        return false;
      }
      i += 2;
    } else if (b >= 0xe0 && b <= 0xef) {
      if (!continuation(p, n, i, 2) || (b == 0xe0 && p[i + 1] < 0xa0) || (b == 0xed && p[i + 1] > 0x9f)) {
        return false;
      }
      i += 3;
    } else if (b >= 0xf0 && b <= 0xf4) {
      if (!continuation(p, n, i, 3) || (b == 0xf0 && p[i + 1] < 0x90) || (b == 0xf4 && p[i + 1] > 0x8f)) {
        return false;
      }
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

/* A container that is open. */
typedef struct level {
  uint32_t left;       /* elements or pairs still to come */
  bool map, value;     /* value: a key was read */
  const uint8_t *prev; /* the key before */
  size_t prev_n;
} level;

/* Keys ascend byte by byte, which leaves no room for repeated ones. */
static bool ascends(level *l, const uint8_t *key, size_t n) {
  if (l->prev != NULL) {
    size_t common = l->prev_n < n ? l->prev_n : n;
    int c = memcmp(l->prev, key, common);
    if (c > 0 || (c == 0 && l->prev_n >= n)) {
      return false;
    }
  }
  l->prev = key;
  l->prev_n = n;
  return true;
}

/* One value at p. Returns its bytes without what a container holds, which is opened in next instead; 0: malformed. */
static size_t value(const uint8_t *p, size_t n, level *next, bool *opened) {
  uint8_t major;
  uint64_t arg;
  size_t h;
  *opened = false;
  if (n > 0 && (p[0] == 0xf4 || p[0] == 0xf5)) { /* false, true */
    return 1;
  }
  h = head(p, n, &major, &arg);
  if (h == 0) {
    return 0;
  }
  switch (major) {
    case SP1_UINT:
    case SP1_NEGINT:
      return arg > (uint64_t)INT64_MAX ? 0 : h;
    case SP1_BSTR:
    case SP1_TSTR:
      if (arg > n - h || (major == SP1_TSTR && !utf8(p + h, (size_t)arg))) {
        return 0;
      }
      return h + (size_t)arg;
    case SP1_ARRAY:
    case SP1_MAP:
      if (arg > (major == SP1_MAP ? MAX_PAIRS : MAX_ARRAY)) {
        return 0;
      }
      *opened = true;
      next->left = (uint32_t)arg;
      next->map = major == SP1_MAP;
      next->value = false;
      next->prev = NULL;
      next->prev_n = 0;
      return h;
    default: /* tags, floats, null */
      return 0;
  }
}

bool sp1_cbor_strict(const uint8_t *p, size_t n) {
  level open[MAX_DEPTH];
  size_t depth = 0, at = 0;
  if (n == 0 || p[0] >> 5 != SP1_MAP) {
    return false;
  }
  for (;;) {
    level *l, next;
    size_t used;
    bool opened;
    while (depth > 0 && open[depth - 1].left == 0) { /* closed */
      depth--;
    }
    if (depth == 0 && at > 0) {
      return at == n; /* nothing behind the message */
    }
    l = depth > 0 ? &open[depth - 1] : NULL;
    if (l != NULL && l->map && !l->value) {
      uint8_t major;
      uint64_t arg;
      used = head(p + at, n - at, &major, &arg);
      if (used == 0 || (major != SP1_UINT && major != SP1_NEGINT) || arg > (uint64_t)INT64_MAX || !ascends(l, p + at, used)) {
        return false;
      }
      at += used;
      l->value = true;
      continue;
    }
    if (depth == MAX_DEPTH) {
      return false;
    }
    used = value(p + at, n - at, &next, &opened);
    if (used == 0) {
      return false;
    }
    at += used;
    if (l != NULL) {
      l->left--;
      l->value = false;
    }
    if (opened) {
      open[depth++] = next;
    }
  }
}

/* Takes a head off checked CBOR. */
static void take(sp1_bytes *c, sp1_item *it) {
  size_t h;
  if (c->n > 0 && c->p[0] >> 5 == SP1_BOOL) {
    it->major = SP1_BOOL;
    it->arg = c->p[0] & 1U;
    h = 1;
  } else {
    h = head(c->p, c->n, &it->major, &it->arg);
  }
  if (h == 0) { /* cannot be: it was checked */
    it->major = SP1_ABSENT;
    c->n = 0;
    return;
  }
  c->p += h;
  c->n -= h;
}

void sp1_cbor_next(sp1_bytes *c, sp1_item *it) {
  uint32_t left;
  take(c, it);
  it->b.p = c->p;
  it->b.n = 0;
  switch (it->major) {
    case SP1_BSTR:
    case SP1_TSTR:
      it->b.n = (size_t)it->arg;
      break;
    case SP1_ARRAY:
    case SP1_MAP:
      it->b.n = c->n;
      left = (uint32_t)it->arg * (it->major == SP1_MAP ? 2U : 1U);
      while (left > 0) { /* walks over what it holds */
        sp1_item inner;
        take(c, &inner);
        left--;
        if (inner.major == SP1_ARRAY) {
          left += (uint32_t)inner.arg;
        } else if (inner.major == SP1_MAP) {
          left += 2U * (uint32_t)inner.arg;
        } else if (inner.major == SP1_BSTR || inner.major == SP1_TSTR) {
          c->p += inner.arg;
          c->n -= (size_t)inner.arg;
        }
      }
      return;
    default:
      return;
  }
  c->p += it->b.n;
  c->n -= it->b.n;
}

void sp1_cbor_get(sp1_bytes map, uint64_t key, sp1_item *it) {
  sp1_item m;
  uint32_t left;
  sp1_bytes c = map;
  take(&c, &m);
  for (left = (uint32_t)m.arg; left > 0; left--) {
    sp1_item k;
    take(&c, &k);
    sp1_cbor_next(&c, it);
    if (k.major == SP1_UINT && k.arg == key) {
      return;
    }
  }
  it->major = SP1_ABSENT;
  it->arg = 0;
  it->b.p = NULL;
  it->b.n = 0;
}

uint8_t *sp1_write_room(sp1_writer *w, size_t n) {
  uint8_t *p;
  if (w->full || n > w->cap - w->n) {
    w->full = true;
    return NULL;
  }
  p = w->p + w->n;
  w->n += n;
  return p;
}

void sp1_write_head(sp1_writer *w, uint8_t major, uint64_t arg) {
  unsigned len = 0, i;
  uint8_t info = (uint8_t)arg, *p;
  if (arg >= 24) {
    info = 24;
    len = 1;
    while (len < 8 && arg >> (8U * len) != 0) {
      info++;
      len *= 2;
    }
  }
  p = sp1_write_room(w, 1 + (size_t)len);
  if (p == NULL) {
    return;
  }
  p[0] = (uint8_t)(major << 5 | info);
  for (i = 0; i < len; i++) {
    p[1 + i] = (uint8_t)(arg >> (8U * (len - 1 - i)));
  }
}

void sp1_write_uint(sp1_writer *w, uint64_t key, uint64_t v) {
  sp1_write_head(w, SP1_UINT, key);
  sp1_write_head(w, SP1_UINT, v);
}

static void string(sp1_writer *w, uint8_t major, uint64_t key, const void *s, size_t n) {
  uint8_t *to;
  sp1_write_head(w, SP1_UINT, key);
  sp1_write_head(w, major, n);
  to = sp1_write_room(w, n);
  if (to != NULL && n > 0) {
    memmove(to, s, n);
  }
}

void sp1_write_bytes(sp1_writer *w, uint64_t key, const uint8_t *p, size_t n) { string(w, SP1_BSTR, key, p, n); }

void sp1_write_text(sp1_writer *w, uint64_t key, const char *s) { string(w, SP1_TSTR, key, s, strlen(s)); }
