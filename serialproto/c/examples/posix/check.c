/* Judges what is to be installed: the leaf is a device's, each certificate is signed by the next, and the last by itself. */
#include "posix.h"

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include <stdio.h>
#include <string.h>

#define MOST (SP1_MAX_CERT * SP1_MAX_CHAIN)

static int refuse(const char *why) {
  fprintf(stderr, "sp1-posix: refused: %s\n", why);
  return SP1_BAD_ARGUMENT;
}

static bool same(const mbedtls_x509_buf *x, const mbedtls_x509_buf *y) { return x->len == y->len && memcmp(x->p, y->p, x->len) == 0; }

/* Names and signature. Dates are the station's to judge: this clock may not be set. */
static bool issued(const mbedtls_x509_crt *parent, mbedtls_x509_crt *child) {
  unsigned char hash[MBEDTLS_MD_MAX_SIZE];
  const mbedtls_md_info_t *md = mbedtls_md_info_from_type(child->sig_md);
  mbedtls_pk_context key = parent->pk;
  if (!same(&parent->subject_raw, &child->issuer_raw) || !parent->ca_istrue || md == NULL ||
      mbedtls_x509_crt_check_key_usage(parent, MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0 || child->sig_md == MBEDTLS_MD_SHA1 ||
      child->sig_md == MBEDTLS_MD_MD5) {
    return false;
  }
  return mbedtls_md(md, child->tbs.p, child->tbs.len, hash) == 0 &&
         mbedtls_pk_verify_ext(child->sig_pk, child->sig_opts, &key, child->sig_md, hash, mbedtls_md_get_size(md), child->sig.p,
                               child->sig.len) == 0;
}

static bool linked(mbedtls_x509_crt *leaf, mbedtls_x509_crt *chain) {
  mbedtls_x509_crt *child = leaf, *parent;
  for (parent = chain; parent != NULL; parent = parent->next) {
    if (!issued(parent, child)) {
      return false;
    }
    child = parent;
  }
  return issued(child, child);
}

/* One common name, and it is the device id. */
static bool named(const mbedtls_x509_crt *leaf, const char *id) {
  const mbedtls_x509_name *n;
  unsigned found = 0;
  for (n = &leaf->subject; n != NULL; n = n->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0) {
      found++;
      if (n->val.len != strlen(id) || memcmp(n->val.p, id, n->val.len) != 0) {
        return false;
      }
    }
  }
  return found == 1;
}

static int parse_chain(mbedtls_x509_crt *chain, const uint8_t *p, size_t n) {
  while (n > 0) { /* concatenated DER; sp1_der_count has seen that it is well formed */
    size_t len = p[1] < 0x80 ? 2U + p[1] : p[1] == 0x81 ? 3U + p[2] : 4U + ((size_t)p[2] << 8 | p[3]);
    if (len > n || mbedtls_x509_crt_parse_der(chain, p, len) != 0) {
      return -1;
    }
    p += len;
    n -= len;
  }
  return 0;
}

static int certificates(box *b, const sp1_bundle *bundle) {
  static uint8_t der[MOST]; /* one request at a time */
  mbedtls_x509_crt leaf, chain;
  size_t n;
  int status;
  mbedtls_x509_crt_init(&leaf);
  mbedtls_x509_crt_init(&chain);
  status = store_blob(b, bundle->leaf, der, sizeof der, &n);
  if (status == SP1_OK && mbedtls_x509_crt_parse_der(&leaf, der, n) != 0) {
    status = refuse("leaf does not parse");
  }
  if (status == SP1_OK) {
    status = store_blob(b, bundle->chain, der, sizeof der, &n);
  }
  if (status == SP1_OK && parse_chain(&chain, der, n) != 0) {
    status = refuse("chain does not parse");
  }
  if (status == SP1_OK && leaf.ca_istrue) {
    status = refuse("leaf is a CA certificate");
  }
  if (status == SP1_OK && !named(&leaf, bundle->id)) {
    status = refuse("leaf is for another device id");
  }
  if (status == SP1_OK && !linked(&leaf, &chain)) {
    status = refuse("a chain certificate did not issue the one before, or the last is no root");
  }
  mbedtls_x509_crt_free(&leaf);
  mbedtls_x509_crt_free(&chain);
  return status;
}

int check_bundle(void *ctx, const sp1_bundle *bundle) {
  box *b = ctx;
  char conf[SP1_MAX_TUNNEL + 1];
  size_t n;
  int status = certificates(b, bundle);
  if (status != SP1_OK || !bundle->has_tunnel) {
    return status;
  }
  status = store_blob(b, bundle->tunnel, (uint8_t *)conf, sizeof conf - 1, &n);
  if (status != SP1_OK) {
    return status;
  }
  conf[n] = 0;
  return tunnel_acceptable(conf) ? SP1_OK : refuse("wg0.conf is not acceptable");
}
