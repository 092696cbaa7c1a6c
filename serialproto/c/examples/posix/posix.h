/* A device on POSIX: files for storage, mbed TLS for keys, a tty for the line. What sp1_port asks for, made of these. */
#ifndef POSIX_H
#define POSIX_H

#include "../../sp1.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>

#include <stdio.h>
#include <sys/types.h>

typedef struct box {
  /* options */
  const char *tty, *state_dir, *serial, *model, *firmware;
  unsigned long baud, mtu, window, max_msg, work_ms, hold_ms;
  bool reenroll_open, no_tunnel, own_clock, may_reboot;

  int fd;        /* of the tty; -1: not open */
  int dir;       /* of the state directory */
  bool line_lost, reboot;
  bool working;  /* --work-ms: a key is being made */
  uint32_t ready_at;
  int64_t clock_off;
  sp1_device *device;
  sp1_port port;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context rng;
} box;

/* tty.c */
int tty_open(box *b);
void tty_close(box *b);
/* Whether a tty can have this speed (0: a pty or USB has none), and all speeds, for people. */
bool tty_speed(unsigned long baud);
void tty_list_speeds(FILE *to);
void tty_write(void *ctx, const uint8_t *p, size_t n);
uint32_t box_millis(void *ctx);

/* files.c: everything durable is written beside, synced, and renamed into place. */
int file_write(int dir, const char *name, const uint8_t *p, size_t n, mode_t mode);
/* Reads a whole file of at most cap bytes. SP1_OK with found false where there is none. */
int file_read(int dir, const char *name, uint8_t *p, size_t cap, size_t *n, bool *found);
int file_drop(int dir, const char *name);
int dir_sync(int dir);
int failed(const char *what);

/* store.c */
int store_open(box *b);
int store_record_load(void *ctx, uint8_t *p, size_t n, bool *found);
int store_record_save(void *ctx, const uint8_t *p, size_t n);
int store_blob_size(void *ctx, unsigned slot, uint32_t *n);
int store_blob_read(void *ctx, unsigned slot, uint32_t off, uint8_t *p, size_t n);
int store_blob_append(void *ctx, unsigned slot, uint32_t off, const uint8_t *p, size_t n);
int store_blob_drop(void *ctx, unsigned slot);
/* The whole blob. The buffer has room for cap bytes. */
int store_blob(box *b, unsigned slot, uint8_t *p, size_t cap, size_t *n);

/* keys.c */
int keys_open(box *b);
int keys_random(void *ctx, uint8_t *p, size_t n);
int keys_make(void *ctx, unsigned bank, int alg);
int keys_csr(void *ctx, unsigned bank, const char *id, uint8_t *p, size_t cap, size_t *n);
int keys_spki(void *ctx, unsigned bank, uint8_t *p, size_t cap, size_t *n);
int keys_sign(void *ctx, unsigned bank, const uint8_t *msg, size_t len, uint8_t *p, size_t cap, size_t *n);
int keys_drop(void *ctx, unsigned bank);
void keys_stop(void *ctx);
int keys_tunnel_make(void *ctx, unsigned bank, uint8_t public_key[32]);
/* The WireGuard key of a bank in base64, with its end of string. */
#define KEY_TEXT 45
int keys_tunnel_text(box *b, const uint8_t *tenant, unsigned bank, char out[KEY_TEXT]);
void keys_name(unsigned bank, const char *what, char out[32]);

/* check.c, tunnel.c */
int check_bundle(void *ctx, const sp1_bundle *bundle);
bool tunnel_acceptable(const char *conf);
/* The file that wg-quick reads: conf with the key under [Interface]. Its length; 0: does not fit. */
size_t tunnel_complete(const char *conf, const char *key, char *out, size_t cap);

/* publish.c */
int publish_files(void *ctx, unsigned bank, const sp1_generation *g, unsigned side, const uint8_t *flag, size_t flag_len);

#endif
