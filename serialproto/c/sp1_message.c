/* HELLO and the requests: from bytes to checked values. Bounds are those of sp1.cddl; keys that are not known are ignored. */
#include "sp1_internal.h"

#include <string.h>

static bool number(sp1_bytes m, uint64_t key, uint64_t most, uint64_t *v) {
  sp1_item it;
  sp1_cbor_get(m, key, &it);
  *v = it.arg;
  return it.major == SP1_ABSENT || (it.major == SP1_UINT && it.arg <= most);
}

static bool flag(sp1_bytes m, uint64_t key, bool *v) {
  sp1_item it;
  sp1_cbor_get(m, key, &it);
  *v = it.major == SP1_BOOL && it.arg == 1;
  return it.major == SP1_ABSENT || it.major == SP1_BOOL;
}

static bool string(sp1_bytes m, uint64_t key, uint8_t major, sp1_bytes *v) {
  sp1_item it;
  sp1_cbor_get(m, key, &it);
  *v = it.b;
  return it.major == SP1_ABSENT || it.major == major;
}

static bool exactly(sp1_bytes m, uint64_t key, size_t n, const uint8_t **v) {
  sp1_bytes b;
  bool ok = string(m, key, SP1_BSTR, &b) && b.n == n;
  *v = b.p;
  return ok;
}

static bool exactly_or_none(sp1_bytes m, uint64_t key, size_t n, sp1_bytes *v) {
  return string(m, key, SP1_BSTR, v) && (v->n == 0 || v->n == n);
}

static bool enroll_id(sp1_bytes m, uint64_t key, const uint8_t **v) {
  static const uint8_t zero[8] = {0};
  return exactly(m, key, 8, v) && memcmp(*v, zero, 8) != 0;
}

static bool ascii(sp1_bytes b) {
  size_t i;
  for (i = 0; i < b.n; i++) {
    if (b.p[i] < 0x20 || b.p[i] > 0x7e) {
      return false;
    }
  }
  return true;
}

/* A certificate or key by its size and first byte (SEQUENCE). */
static bool der(sp1_bytes b, size_t most) { return b.n > 8 && b.n <= most && b.p[0] == 0x30; }

static bool op_is(sp1_bytes m, uint8_t want) {
  uint8_t op;
  return sp1_read_op(m, &op) && op == want;
}

bool sp1_read_op(sp1_bytes m, uint8_t *op) {
  sp1_item it;
  if (!sp1_cbor_strict(m.p, m.n)) {
    return false;
  }
  sp1_cbor_get(m, 0, &it);
  *op = (uint8_t)it.arg;
  return it.major == SP1_UINT && it.arg <= 255;
}

bool sp1_read_hello(sp1_bytes m, sp1_hello *v) {
  uint64_t least, most, session, mtu, win, max, features;
  if (!sp1_cbor_strict(m.p, m.n) || !number(m, 1, 255, &least) || !number(m, 2, 255, &most) || !number(m, 3, UINT32_MAX, &session) ||
      !number(m, 4, UINT16_MAX, &mtu) || !number(m, 5, 255, &win) || !number(m, 6, UINT32_MAX, &max) ||
      !number(m, 7, UINT32_MAX, &features)) {
    return false;
  }
  v->least = (uint8_t)least;
  v->most = (uint8_t)most;
  v->session = (uint32_t)session;
  v->mtu = (uint16_t)mtu;
  v->win = (uint8_t)win;
  v->max = (uint32_t)max;
  v->features = (uint32_t)features;
  return least >= 1 && least <= most && session != 0 && mtu >= SP1_LEAST_MTU && win >= 1 && max >= SP1_LEAST_MESSAGE;
}

bool sp1_read_simple(sp1_bytes m) {
  uint8_t op;
  return sp1_read_op(m, &op) && op != 0;
}

bool sp1_read_enroll(sp1_bytes m, sp1_enroll_args *v) {
  uint64_t alg;
  if (!op_is(m, SP1_OP_ENROLL) || !number(m, 1, 3, &alg) || !string(m, 2, SP1_TSTR, &v->id) || !enroll_id(m, 4, &v->enroll_id) ||
      !flag(m, 5, &v->tunnel) || !flag(m, 6, &v->keep)) {
    return false;
  }
  v->alg = (uint8_t)alg;
  return alg != 0 && v->id.n >= 1 && v->id.n <= 128 && ascii(v->id) && !(v->tunnel && v->keep);
}

/* wg0.conf: text, lines and tabs the only control characters. The canonical form is ASCII. */
static bool conf_text(sp1_bytes b) {
  size_t i;
  for (i = 0; i < b.n; i++) {
    if ((b.p[i] < 0x20 && b.p[i] != '\n' && b.p[i] != '\t') || b.p[i] > 0x7e) {
      return false;
    }
  }
  return b.n <= SP1_MAX_TUNNEL;
}

static bool chain(sp1_bytes m, sp1_install_args *v) {
  sp1_item list;
  uint32_t i;
  sp1_cbor_get(m, 2, &list);
  v->certs = 0;
  if (list.major == SP1_ABSENT) {
    return true;
  }
  if (list.major != SP1_ARRAY || list.arg > SP1_MAX_CHAIN) {
    return false;
  }
  for (i = 0; i < list.arg; i++) {
    sp1_item it;
    sp1_cbor_next(&list.b, &it);
    if (it.major != SP1_BSTR || !(it.b.n == 8 || der(it.b, SP1_MAX_CERT))) {
      return false;
    }
    v->chain[v->certs++] = it.b;
  }
  return true;
}

static bool pins(sp1_bytes m, size_t *count) {
  sp1_item list;
  uint32_t i;
  sp1_cbor_get(m, 7, &list);
  *count = (size_t)list.arg;
  if (list.major == SP1_ABSENT) {
    return true;
  }
  if (list.major != SP1_ARRAY || list.arg > 4) {
    return false;
  }
  for (i = 0; i < list.arg; i++) {
    sp1_item it;
    sp1_cbor_next(&list.b, &it);
    if (it.major != SP1_BSTR || !der(it.b, 256)) {
      return false;
    }
  }
  return true;
}

bool sp1_read_install(sp1_bytes m, sp1_install_args *v) {
  return op_is(m, SP1_OP_INSTALL) && string(m, 1, SP1_BSTR, &v->leaf) && der(v->leaf, SP1_MAX_CERT) && chain(m, v) &&
         string(m, 3, SP1_BSTR, &v->conf) && conf_text(v->conf) && enroll_id(m, 4, &v->enroll_id) && flag(m, 5, &v->commit) &&
         exactly_or_none(m, 6, 32, &v->tunnel_key) && pins(m, &v->pins);
}

bool sp1_read_put(sp1_bytes m, sp1_put_args *v) {
  uint64_t obj, off, total;
  if (!op_is(m, SP1_OP_PUT) || !number(m, 1, SP1_OBJ_PINS, &obj) || !number(m, 2, UINT32_MAX, &off) ||
      !number(m, 3, SP1_MAX_OBJECT, &total) || !exactly(m, 4, 32, &v->sha256) || !string(m, 5, SP1_BSTR, &v->data) ||
      !enroll_id(m, 6, &v->enroll_id)) {
    return false;
  }
  v->obj = (uint8_t)obj;
  v->off = (uint32_t)off;
  v->total = (uint32_t)total;
  return obj >= 1 && total >= 1 && v->data.n > 0 && off + v->data.n <= total;
}

bool sp1_read_commit(sp1_bytes m, sp1_commit_args *v) {
  sp1_item map;
  uint32_t i;
  if (!op_is(m, SP1_OP_COMMIT) || !enroll_id(m, 4, &v->enroll_id) || !exactly_or_none(m, 7, 32, &v->tunnel_key)) {
    return false;
  }
  v->leaf = v->chain = v->tunnel = NULL;
  v->other = false;
  sp1_cbor_get(m, 6, &map);
  if (map.major != SP1_MAP || map.arg == 0) {
    return false;
  }
  for (i = 0; i < map.arg; i++) {
    sp1_item key, digest;
    sp1_cbor_next(&map.b, &key);
    sp1_cbor_next(&map.b, &digest);
    if (key.major != SP1_UINT || key.arg == 0 || key.arg > 255 || digest.major != SP1_BSTR || digest.b.n != 32) {
      return false;
    }
    switch (key.arg) {
      case SP1_OBJ_LEAF:
        v->leaf = digest.b.p;
        break;
      case SP1_OBJ_ANCHORS:
        v->chain = digest.b.p;
        break;
      case SP1_OBJ_TUNNEL:
        v->tunnel = digest.b.p;
        break;
      default:
        v->other = true;
    }
  }
  return true;
}

bool sp1_read_sign(sp1_bytes m, sp1_sign_args *v) {
  uint64_t scheme;
  if (!op_is(m, SP1_OP_SIGN_TLS13) || !string(m, 1, SP1_BSTR, &v->hash) || !number(m, 2, UINT16_MAX, &scheme)) {
    return false;
  }
  v->scheme = (uint16_t)scheme;
  return v->hash.n == 32 || v->hash.n == 48;
}

bool sp1_read_lock(sp1_bytes m, sp1_lock_args *v) {
  return op_is(m, SP1_OP_LOCK) && enroll_id(m, 4, &v->enroll_id) && string(m, 5, SP1_TSTR, &v->flag) && v->flag.n <= SP1_MAX_FLAG &&
         ascii(v->flag);
}

bool sp1_read_abort(sp1_bytes m, const uint8_t **id) {
  sp1_bytes b;
  *id = NULL;
  if (!op_is(m, SP1_OP_ABORT) || !exactly_or_none(m, 4, 8, &b)) {
    return false;
  }
  return b.n == 0 || enroll_id(m, 4, id);
}

bool sp1_read_clock(sp1_bytes m, int64_t *set) {
  uint64_t t;
  if (!op_is(m, SP1_OP_CLOCK) || !number(m, 1, (uint64_t)INT64_MAX, &t)) {
    return false;
  }
  *set = (int64_t)t;
  return true;
}

bool sp1_read_object(sp1_bytes m, uint8_t *obj) {
  uint64_t v;
  if (!op_is(m, SP1_OP_READ) || !number(m, 1, SP1_OBJ_ANCHORS, &v)) {
    return false;
  }
  *obj = (uint8_t)v;
  return v >= SP1_OBJ_LEAF;
}
