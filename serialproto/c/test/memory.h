/* A device whose storage, keys and clock are memory, with power that can be cut and storage that can fail: for fuzzing. */
#ifndef MEMORY_H
#define MEMORY_H

#include "../sp1_internal.h"

#define MEMORY_BLOB 33024U

typedef struct memory {
  uint32_t now;
  uint64_t keys;                /* ever made: each is another one */
  uint64_t key[SP1_BANKS];      /* 0: none */
  bool has_record;
  uint8_t record[sizeof(sp1_record)];
  uint32_t size[SP1_SLOTS];
  uint8_t blob[SP1_SLOTS][MEMORY_BLOB];
  unsigned fail_in;             /* the n-th storage operation from now fails, and so do all after it; 0: none does */
  unsigned read_fails_in;       /* the n-th read of a blob from now fails, and none after it; 0: none does */
  unsigned again;               /* how often what may answer SP1_AGAIN does so before it is done */
  unsigned again_left;
  bool rng_dead, refuse;        /* no random bytes; check refuses */
  void (*line)(void *who, const uint8_t *p, size_t n); /* where written frames go */
  void *who;
  sp1_port port;
} memory;

void memory_open(memory *m);
/* The SubjectPublicKeyInfo of a key, and a certificate for it as far as sp1_der.c looks. Their lengths. */
size_t memory_spki(uint64_t key, uint8_t out[16]);
size_t memory_cert(uint64_t key, uint8_t filler, uint8_t out[96]);

#endif
