#include "text.h"

#include <stdio.h>
#include <string.h>

static int digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_unhex(const char *s, uint8_t *out, size_t cap, size_t *n) {
  *n = 0;
  for (;;) {
    int hi, lo;
    s += strspn(s, " \n");
    if (*s == 0) {
      return true;
    }
    hi = digit(s[0]);
    lo = hi < 0 ? -1 : digit(s[1]);
    if (lo < 0 || *n == cap) {
      return false;
    }
    out[(*n)++] = (uint8_t)(hi << 4 | lo);
    s += 2;
  }
}

void text_puthex(const uint8_t *p, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    printf("%02x", p[i]);
  }
}

int text_accepts(const char *type, sp1_bytes m) {
  sp1_hello hello;
  sp1_enroll_args enroll;
  sp1_install_args install;
  sp1_put_args put;
  sp1_commit_args commit;
  sp1_sign_args sign;
  sp1_lock_args lock;
  const uint8_t *id;
  int64_t set;
  uint8_t small;
  if (strcmp(type, "Strict") == 0) {
    return sp1_cbor_strict(m.p, m.n);
  } else if (strcmp(type, "Op") == 0) {
    return sp1_read_op(m, &small);
  } else if (strcmp(type, "Hello") == 0) {
    return sp1_read_hello(m, &hello);
  } else if (strcmp(type, "SimpleArgs") == 0) {
    return sp1_read_simple(m);
  } else if (strcmp(type, "EnrollArgs") == 0) {
    return sp1_read_enroll(m, &enroll);
  } else if (strcmp(type, "InstallArgs") == 0) {
    return sp1_read_install(m, &install);
  } else if (strcmp(type, "PutArgs") == 0) {
    return sp1_read_put(m, &put);
  } else if (strcmp(type, "CommitArgs") == 0) {
    return sp1_read_commit(m, &commit);
  } else if (strcmp(type, "SignTLS13Args") == 0) {
    return sp1_read_sign(m, &sign);
  } else if (strcmp(type, "LockArgs") == 0) {
    return sp1_read_lock(m, &lock);
  } else if (strcmp(type, "AbortArgs") == 0) {
    return sp1_read_abort(m, &id);
  } else if (strcmp(type, "ClockArgs") == 0) {
    return sp1_read_clock(m, &set);
  } else if (strcmp(type, "ReadArgs") == 0) {
    return sp1_read_object(m, &small);
  }
  return -1;
}

/* Items one after the other: what an array or map holds comes behind its head all by itself. */
static void again(sp1_bytes *c, sp1_writer *w, unsigned depth) {
  sp1_bytes before = *c;
  sp1_item it;
  uint64_t left;
  sp1_cbor_next(c, &it);
  if (it.major == SP1_BOOL) {
    sp1_write_head(w, SP1_BOOL, 20 + it.arg);
    return;
  }
  sp1_write_head(w, it.major, it.arg);
  if (it.major == SP1_BSTR || it.major == SP1_TSTR) {
    uint8_t *to = sp1_write_room(w, it.b.n);
    if (to != NULL) {
      memcpy(to, it.b.p, it.b.n);
    }
  } else if (it.major == SP1_ARRAY || it.major == SP1_MAP) {
    sp1_bytes inner = it.b;
    inner.n = before.n - (size_t)(it.b.p - before.p);
    for (left = it.arg * (it.major == SP1_MAP ? 2U : 1U); left > 0 && depth < 8; left--) {
      again(&inner, w, depth + 1);
    }
  }
}

size_t text_reencode(sp1_bytes m, uint8_t *out, size_t cap) {
  sp1_writer w = {NULL, 0, 0, false};
  w.p = out;
  w.cap = cap;
  again(&m, &w, 0);
  return w.full || m.n != 0 ? 0 : w.n;
}
