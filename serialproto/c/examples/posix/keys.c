/* Keys by mbed TLS 2.28: P-256 and P-384 in PEM files of mode 0600, and a WireGuard key beside each. */
#include "posix.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/base64.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/x509_csr.h>

#include <stdio.h>
#include <string.h>

static int broken(const char *what, int code) {
  fprintf(stderr, "sp1-posix: %s: mbed TLS error -0x%04x\n", what, (unsigned)-code);
  return SP1_CRYPTO;
}

void keys_name(unsigned bank, const char *what, char out[32]) { snprintf(out, 32, "%s-%u", what, bank); }

int keys_open(box *b) {
  static const unsigned char personal[] = "sp1-posix";
  int r;
  mbedtls_entropy_init(&b->entropy);
  mbedtls_ctr_drbg_init(&b->rng);
  r = mbedtls_ctr_drbg_seed(&b->rng, mbedtls_entropy_func, &b->entropy, personal, sizeof personal - 1);
  return r == 0 ? SP1_OK : broken("seed random generator", r);
}

int keys_random(void *ctx, uint8_t *p, size_t n) {
  box *b = ctx;
  return mbedtls_ctr_drbg_random(&b->rng, p, n) == 0 ? SP1_OK : SP1_RNG_NOT_READY;
}

static int open_key(box *b, unsigned bank, mbedtls_pk_context *key) {
  unsigned char pem[2048];
  char name[32];
  size_t n;
  bool found;
  int r;
  keys_name(bank, "key", name);
  mbedtls_pk_init(key);
  r = file_read(b->dir, name, pem, sizeof pem - 1, &n, &found);
  if (r != SP1_OK || !found) {
    return SP1_INTERNAL;
  }
  pem[n] = 0;
  r = mbedtls_pk_parse_key(key, pem, n + 1, NULL, 0);
  mbedtls_platform_zeroize(pem, sizeof pem);
  if (r != 0) {
    mbedtls_pk_free(key);
    return broken("open key", r);
  }
  return SP1_OK;
}

static int new_key(box *b, unsigned bank, mbedtls_ecp_group_id curve) {
  unsigned char pem[2048];
  mbedtls_pk_context key;
  char name[32];
  int r;
  keys_name(bank, "key", name);
  mbedtls_pk_init(&key);
  r = mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (r == 0) {
    r = mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(key), mbedtls_ctr_drbg_random, &b->rng);
  }
  if (r == 0) {
    r = mbedtls_pk_write_key_pem(&key, pem, sizeof pem);
  }
  mbedtls_pk_free(&key);
  if (r != 0) {
    return broken("make key", r);
  }
  r = file_write(b->dir, name, pem, strlen((const char *)pem), 0600);
  mbedtls_platform_zeroize(pem, sizeof pem);
  return r;
}

/* --work-ms stands for hardware that takes its time: until then the answer is SP1_AGAIN, and the station hears BUSY. */
int keys_make(void *ctx, unsigned bank, int alg) {
  box *b = ctx;
  if (alg != SP1_P256 && alg != SP1_P384) {
    return SP1_CRYPTO; /* mbed TLS 2.28 has no Ed25519 */
  }
  if (b->work_ms > 0) {
    if (!b->working) {
      b->working = true;
      b->ready_at = box_millis(b) + (uint32_t)b->work_ms;
    }
    if ((int32_t)(b->ready_at - box_millis(b)) > 0) {
      return SP1_AGAIN;
    }
    b->working = false;
  }
  return new_key(b, bank, alg == SP1_P256 ? MBEDTLS_ECP_DP_SECP256R1 : MBEDTLS_ECP_DP_SECP384R1);
}

void keys_stop(void *ctx) {
  box *b = ctx;
  b->working = false;
}

static mbedtls_md_type_t hash_of(const mbedtls_pk_context *key) {
  return mbedtls_pk_get_bitlen(key) == 384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256;
}

/* subjectAltName (RFC 5280 4.2.1.6): SEQUENCE { [2] IA5String }. */
static size_t alt_name(const char *id, unsigned char out[SP1_MAX_ID + 4]) {
  size_t n = strlen(id);
  out[0] = 0x30;
  out[1] = (unsigned char)(n + 2);
  out[2] = 0x82;
  out[3] = (unsigned char)n;
  memcpy(out + 4, id, n);
  return n + 4;
}

int keys_csr(void *ctx, unsigned bank, const char *id, uint8_t *p, size_t cap, size_t *n) {
  box *b = ctx;
  mbedtls_pk_context key;
  mbedtls_x509write_csr csr;
  char subject[SP1_MAX_ID + 4];
  unsigned char san[SP1_MAX_ID + 4];
  int r = open_key(b, bank, &key);
  if (r != SP1_OK) {
    return r;
  }
  snprintf(subject, sizeof subject, "CN=%s", id); /* an id has no comma nor other character that a name would be cut at */
  mbedtls_x509write_csr_init(&csr);
  mbedtls_x509write_csr_set_key(&csr, &key);
  mbedtls_x509write_csr_set_md_alg(&csr, hash_of(&key));
  r = mbedtls_x509write_csr_set_subject_name(&csr, subject);
  if (r == 0) {
    r = mbedtls_x509write_csr_set_extension(&csr, MBEDTLS_OID_SUBJECT_ALT_NAME, MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), san,
                                            alt_name(id, san));
  }
  if (r == 0) {
    r = mbedtls_x509write_csr_der(&csr, p, cap, mbedtls_ctr_drbg_random, &b->rng); /* writes to the end of the buffer */
  }
  mbedtls_x509write_csr_free(&csr);
  mbedtls_pk_free(&key);
  if (r <= 0) {
    return broken("make CSR", r);
  }
  *n = (size_t)r;
  memmove(p, p + cap - *n, *n);
  return SP1_OK;
}

int keys_spki(void *ctx, unsigned bank, uint8_t *p, size_t cap, size_t *n) {
  box *b = ctx;
  mbedtls_pk_context key;
  int r = open_key(b, bank, &key);
  if (r != SP1_OK) {
    return r;
  }
  r = mbedtls_pk_write_pubkey_der(&key, p, cap);
  mbedtls_pk_free(&key);
  if (r <= 0) {
    return broken("encode public key", r);
  }
  *n = (size_t)r;
  memmove(p, p + cap - *n, *n);
  return SP1_OK;
}

int keys_sign(void *ctx, unsigned bank, const uint8_t *msg, size_t len, uint8_t *p, size_t cap, size_t *n) {
  box *b = ctx;
  mbedtls_pk_context key;
  unsigned char hash[MBEDTLS_MD_MAX_SIZE];
  const mbedtls_md_info_t *md;
  int r = open_key(b, bank, &key);
  if (r != SP1_OK) {
    return r;
  }
  if (cap < MBEDTLS_ECDSA_MAX_LEN) {
    mbedtls_pk_free(&key);
    return SP1_INTERNAL;
  }
  md = mbedtls_md_info_from_type(hash_of(&key));
  r = mbedtls_md(md, msg, len, hash);
  if (r == 0) {
    r = mbedtls_pk_sign(&key, hash_of(&key), hash, mbedtls_md_get_size(md), p, n, mbedtls_ctr_drbg_random, &b->rng);
  }
  mbedtls_pk_free(&key);
  return r == 0 ? SP1_OK : broken("sign", r);
}

int keys_drop(void *ctx, unsigned bank) {
  box *b = ctx;
  char name[32];
  int status;
  keys_name(bank, "wireguard", name);
  status = file_drop(b->dir, name);
  keys_name(bank, "key", name);
  return status == SP1_OK ? file_drop(b->dir, name) : status;
}

/* Curve25519 (RFC 7748), as `wg genkey` and `wg pubkey` make them: 32 bytes, little endian. */
int keys_tunnel_make(void *ctx, unsigned bank, uint8_t public_key[32]) {
  box *b = ctx;
  mbedtls_ecp_group group;
  mbedtls_ecp_point q;
  mbedtls_mpi d;
  unsigned char raw[32];
  char name[32];
  int r;
  mbedtls_ecp_group_init(&group);
  mbedtls_ecp_point_init(&q);
  mbedtls_mpi_init(&d);
  r = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_CURVE25519);
  if (r == 0) {
    r = mbedtls_ecp_gen_keypair(&group, &d, &q, mbedtls_ctr_drbg_random, &b->rng);
  }
  if (r == 0) {
    r = mbedtls_mpi_write_binary_le(&d, raw, sizeof raw);
  }
  if (r == 0) {
    r = mbedtls_mpi_write_binary_le(&q.X, public_key, 32);
  }
  mbedtls_mpi_free(&d);
  mbedtls_ecp_point_free(&q);
  mbedtls_ecp_group_free(&group);
  if (r != 0) {
    return broken("make WireGuard key", r);
  }
  keys_name(bank, "wireguard", name);
  r = file_write(b->dir, name, raw, sizeof raw, 0600);
  mbedtls_platform_zeroize(raw, sizeof raw);
  return r;
}

int keys_tunnel_text(box *b, const uint8_t *tenant, unsigned bank, char out[KEY_TEXT]) {
  unsigned char raw[32];
  char name[32];
  size_t n = sizeof raw;
  bool found = true;
  int r = SP1_OK;
  if (tenant != NULL) {
    memcpy(raw, tenant, sizeof raw);
  } else {
    keys_name(bank, "wireguard", name);
    r = file_read(b->dir, name, raw, sizeof raw, &n, &found);
  }
  if (r == SP1_OK && (!found || n != sizeof raw || mbedtls_base64_encode((unsigned char *)out, KEY_TEXT, &n, raw, sizeof raw) != 0)) {
    r = SP1_INTERNAL;
  }
  mbedtls_platform_zeroize(raw, sizeof raw);
  return r;
}
