/*
 * What the box's other programs read: device-key.pem, device.pem, ca-chain.pem, wg0.conf, .enrolled. They are links into a
 * folder of one generation, and one rename switches from one folder to the next: no program sees half of two.
 */
#include "posix.h"

#include <mbedtls/pem.h>
#include <mbedtls/platform_util.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST (SP1_MAX_CERT * (SP1_MAX_CHAIN + 1))

static const char *const names[] = {"device-key.pem", "device.pem", "ca-chain.pem", "wg0.conf", ".enrolled"};

static int to_pem(const uint8_t *der, size_t n, uint8_t *out, size_t cap, size_t *len) {
  *len = 0;
  while (n > 0) {
    size_t cert = der[1] < 0x80 ? 2U + der[1] : der[1] == 0x81 ? 3U + der[2] : 4U + ((size_t)der[2] << 8 | der[3]), used;
    if (cert > n || mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", der, cert, out + *len,
                                             cap - *len, &used) != 0) {
      return SP1_INTERNAL;
    }
    *len += used - 1; /* without the end of string */
    der += cert;
    n -= cert;
  }
  return SP1_OK;
}

/* Where the last certificate of concatenated DER begins. */
static size_t root_at(const uint8_t *der, size_t n) {
  size_t at = 0;
  for (;;) {
    const uint8_t *p = der + at;
    size_t cert = p[1] < 0x80 ? 2U + p[1] : p[1] == 0x81 ? 3U + p[2] : 4U + ((size_t)p[2] << 8 | p[3]);
    if (cert >= n - at) {
      return at;
    }
    at += cert;
  }
}

static int write_certificates(box *b, int dir, unsigned bank, unsigned side) {
  static uint8_t der[MOST], pem[MOST / 3 * 4 + MOST / 8];
  size_t leaf, chain, n;
  int status = store_blob(b, SP1_SLOT(bank, SP1_BLOB_LEAF, side), der, SP1_MAX_CERT, &leaf);
  if (status == SP1_OK) {
    status = store_blob(b, SP1_SLOT(bank, SP1_BLOB_CHAIN, side), der + leaf, sizeof der - leaf, &chain);
  }
  if (status == SP1_OK && (leaf == 0 || chain == 0)) {
    status = SP1_INTERNAL;
  }
  if (status == SP1_OK) {
    status = to_pem(der, leaf + root_at(der + leaf, chain), pem, sizeof pem, &n);
  }
  if (status == SP1_OK) {
    status = file_write(dir, "device.pem", pem, n, 0644);
  }
  if (status == SP1_OK) {
    status = to_pem(der + leaf, chain, pem, sizeof pem, &n);
  }
  return status == SP1_OK ? file_write(dir, "ca-chain.pem", pem, n, 0644) : status;
}

static int write_tunnel(box *b, int dir, unsigned bank, unsigned side) {
  char conf[SP1_MAX_TUNNEL + 1], file[SP1_MAX_TUNNEL + 128], key[KEY_TEXT];
  uint8_t tenant[32];
  size_t n, tenant_n;
  int status = store_blob(b, SP1_SLOT(bank, SP1_BLOB_TUNNEL, side), (uint8_t *)conf, sizeof conf - 1, &n);
  if (status != SP1_OK || n == 0) {
    return status;
  }
  conf[n] = 0;
  status = store_blob(b, SP1_SLOT(bank, SP1_BLOB_TUNNEL_KEY, side), tenant, sizeof tenant, &tenant_n);
  if (status == SP1_OK) {
    status = keys_tunnel_text(b, tenant_n == sizeof tenant ? tenant : NULL, bank, key);
  }
  if (status == SP1_OK) {
    n = tunnel_complete(conf, key, file, sizeof file);
    status = n > 0 ? file_write(dir, "wg0.conf", (const uint8_t *)file, n, 0600) : SP1_INTERNAL;
  }
  mbedtls_platform_zeroize(tenant, sizeof tenant);
  mbedtls_platform_zeroize(key, sizeof key);
  mbedtls_platform_zeroize(file, sizeof file);
  return status;
}

/* A symbolic link, put into place in one step. */
static int link_to(int dir, const char *target, const char *name) {
  char have[64];
  ssize_t n = readlinkat(dir, name, have, sizeof have);
  if (n == (ssize_t)strlen(target) && memcmp(have, target, (size_t)n) == 0) {
    return SP1_OK;
  }
  (void)unlinkat(dir, "link.new", 0);
  if (symlinkat(target, dir, "link.new") != 0 || renameat(dir, "link.new", dir, name) != 0) {
    return failed(name);
  }
  return dir_sync(dir);
}

static void drop_folder(int dir, const char *folder) {
  char path[96];
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    (void)unlinkat(dir, path, 0);
  }
  (void)unlinkat(dir, folder, AT_REMOVEDIR); /* what is left of it is in nobody's way */
}

static int fill(box *b, int dir, unsigned bank, unsigned side, const uint8_t *flag, size_t flag_len) {
  char key[32];
  int status = write_certificates(b, dir, bank, side);
  if (status == SP1_OK) {
    status = write_tunnel(b, dir, bank, side);
  }
  keys_name(bank, "key", key);
  if (status == SP1_OK && linkat(b->dir, key, dir, names[0], 0) != 0 && errno != EEXIST) {
    status = failed(names[0]);
  }
  return status == SP1_OK ? file_write(dir, ".enrolled", flag, flag_len, 0644) : status;
}

int publish_files(void *ctx, unsigned bank, const sp1_generation *g, unsigned side, const uint8_t *flag, size_t flag_len) {
  box *b = ctx;
  char folder[32], target[64], before[64];
  ssize_t old = readlinkat(b->dir, "current", before, sizeof before - 1);
  size_t i;
  int dir, status;
  before[old > 0 ? old : 0] = 0;
  snprintf(folder, sizeof folder, "generation-%lu",
           (unsigned long)g->number[0] | (unsigned long)g->number[1] << 8 | (unsigned long)g->number[2] << 16 |
               (unsigned long)g->number[3] << 24);
  if (strcmp(before, folder) != 0) {
    drop_folder(b->dir, folder); /* begun before a power cut */
    if (mkdirat(b->dir, folder, 0755) != 0 && errno != EEXIST) {
      return failed(folder);
    }
    dir = openat(b->dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0) {
      return failed(folder);
    }
    status = fill(b, dir, bank, side, flag, flag_len);
    close(dir);
    if (status != SP1_OK) {
      return status;
    }
  }
  status = link_to(b->dir, folder, "current");
  for (i = 0; i < sizeof names / sizeof names[0] && status == SP1_OK; i++) {
    snprintf(target, sizeof target, "current/%s", names[i]);
    status = link_to(b->dir, target, names[i]);
  }
  if (status == SP1_OK && before[0] != 0 && strcmp(before, folder) != 0) {
    drop_folder(b->dir, before);
  }
  return status;
}
