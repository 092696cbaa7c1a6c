/*
 * SP1, device side, in portable C99: what a firmware team copies.
 *
 * The specification is ../doc.go with ../sp1.cddl; this is the side that it calls the device. No allocation, no stdio,
 * no system calls, no threads, no floating point, no recursion: everything it needs of its surroundings is in sp1_port,
 * and everything it remembers is in sp1_device and in the message buffer that the caller gives.
 *
 *     sp1_init(&device, &config);
 *     for (;;) {
 *         n = bytes that came;               sp1_input(&device, bytes, n);
 *         wait = sp1_poll(&device);          sleep at most wait milliseconds, or until bytes come
 *     }
 *
 * All functions are for one thread. Nothing here logs, and no secret is kept in memory beyond the call that needs it,
 * but for what lies in the message buffer until the next request.
 */
#ifndef SP1_H
#define SP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- sizes, in bytes ----------------------------------------------------------------------------------------------- */

#define SP1_MAX_PAYLOAD 246   /* of one frame */
#define SP1_MAX_WIRE 257      /* one frame with both delimiters */
#define SP1_MAX_SEGMENT 300   /* more than this between two delimiters is no frame */
#define SP1_MAX_FRAGMENTS 256 /* of one message */
#define SP1_LEAST_MTU 32
#define SP1_LEAST_MESSAGE 1024
#define SP1_MOST_MESSAGE 62976
#define SP1_MAX_CERT 4096
#define SP1_MAX_CHAIN 8
#define SP1_MAX_TUNNEL 4096
#define SP1_MAX_MODEL 24
#define SP1_MAX_SERIAL 48
#define SP1_MAX_FIRMWARE 24
#define SP1_MAX_DETAIL 64
#define SP1_MAX_FLAG 64
#define SP1_MAX_ID 63 /* a device id becomes a DNS label, a file name and an MQTT client id */
#define SP1_MAX_WELCOME 276
#define SP1_MAX_LOG 80
/*
 * Enrollment ids remembered whose key was dropped, by ABORT, another ENROLL or LOCK: the last so many; the one before them is
 * forgotten, and would give a key again. At least 16 (../doc.go); each takes 8 bytes of the record, whose layout it changes.
 */
#define SP1_RETIRED 16

/* Frames in flight that sp1_config.window may ask for. 1 is conformant, and enough where messages are small. */
#ifndef SP1_WINDOW_MAX
#define SP1_WINDOW_MAX 8
#endif

/* --- numbers of the protocol --------------------------------------------------------------------------------------- */

/* What an operation came to; the statuses of the wire. Callbacks of sp1_port return these, or SP1_AGAIN. */
enum {
  SP1_AGAIN = -1, /* not done yet: call me again with the same arguments. BUSY is said meanwhile */
  SP1_OK = 0,
  SP1_INTERNAL = 1,
  SP1_BAD_VERSION = 2,
  SP1_UNKNOWN_OP = 3,
  SP1_BAD_ARGUMENT = 4,
  SP1_TOO_LARGE = 5,
  SP1_WRONG_STATE = 6,
  SP1_LOCKED = 7,
  SP1_BUSY = 8,
  SP1_HASH_MISMATCH = 9,
  SP1_CERT_KEY = 10,
  SP1_NO_SPACE = 11,
  SP1_CRYPTO = 12,
  SP1_REFUSED = 13,
  SP1_BAD_OFFSET = 14,
  SP1_RNG_NOT_READY = 15
};

enum { SP1_EMPTY = 0, SP1_KEYED = 1, SP1_INSTALLED = 2, SP1_SEALED = 3 }; /* states */

enum { SP1_P256 = 1, SP1_P384 = 2, SP1_ED25519 = 3 }; /* key algorithms */

enum { SP1_SECURE_ELEMENT = 1, SP1_TEE = 2, SP1_FLASH = 3 }; /* key stores */

enum { SP1_REENROLL_NEVER = 1, SP1_REENROLL_OPEN = 3 }; /* new keys once sealed; 2 (under unlock) is not built here */

/* Feature bits that this implementation can have: SIGN_TLS13 always, the others where their callbacks are given. */
#define SP1_FEATURE_SIGN_TLS13 UINT32_C(0x01)
#define SP1_FEATURE_SET_CLOCK UINT32_C(0x04)
#define SP1_FEATURE_WIREGUARD UINT32_C(0x08)

/* --- storage ------------------------------------------------------------------------------------------------------- */

/*
 * The device has two banks. One holds the generation in use, the other one that is being built; each holds a key of its
 * own, its CSR, and two sides of installed files: one that counts, one that is being written. So nothing that counts is
 * ever overwritten, and one small record, saved in one step, says which of it counts.
 */
enum {
  SP1_BLOB_CSR = 0,        /* PKCS#10, DER. Has side 0 only */
  SP1_BLOB_LEAF = 1,       /* DER */
  SP1_BLOB_CHAIN = 2,      /* concatenated DER, root last */
  SP1_BLOB_TUNNEL = 3,     /* wg0.conf as it crossed the line: without PrivateKey */
  SP1_BLOB_TUNNEL_KEY = 4, /* 32 bytes, SECRET: the WireGuard key where the tenant made it */
  SP1_BLOBS = 5
};

/* A blob is named by a number under SP1_SLOTS. */
#define SP1_BANKS 2
#define SP1_SLOT(bank, blob, side) ((((unsigned)(bank)*2U) + (unsigned)(side)) * (unsigned)SP1_BLOBS + (unsigned)(blob))
#define SP1_SLOTS (SP1_BANKS * 2U * (unsigned)SP1_BLOBS)

/* One key and how far it has come. Bytes only, so that it lies in storage as it lies in memory. */
typedef struct sp1_generation {
  uint8_t number[4]; /* little endian, as all numbers here; 0: the bank is free */
  uint8_t enroll_id[8];
  uint8_t id_len;
  uint8_t id[SP1_MAX_ID];
  uint8_t alg;
  uint8_t tunnel;    /* a WireGuard key was made with it */
  uint8_t installed; /* its files count */
  uint8_t side;      /* which side counts; the other one takes what comes */
  uint8_t signatures[4];
  uint8_t spki[32]; /* SHA-256 of the SubjectPublicKeyInfo */
  uint8_t csr[32];  /* SHA-256 of the CSR */
  uint8_t tunnel_public[32];
} sp1_generation;

/* An object on its way (PUT): what has come of it is the size of its blob. */
typedef struct sp1_staged {
  uint8_t total[4]; /* 0: none */
  uint8_t sha256[32];
} sp1_staged;

/* What decides. It is written whole, and either the old or the new one is there after a power cut. */
typedef struct sp1_record {
  uint8_t magic[4];
  uint8_t last[4]; /* highest generation number ever used */
  uint8_t newest;  /* bank + 1; 0: none */
  uint8_t active;  /* bank + 1; 0: not sealed */
  uint8_t retired_next;
  uint8_t flag_len;
  uint8_t floor[8]; /* highest trusted time seen, microseconds */
  uint8_t retired[SP1_RETIRED][8];
  sp1_generation bank[SP1_BANKS];
  sp1_staged staged[3]; /* leaf, chain, tunnel of the newest generation */
  uint8_t flag[SP1_MAX_FLAG];
  uint8_t crc[4]; /* CRC-32C of all before it */
} sp1_record;

/* --- what the surroundings give ------------------------------------------------------------------------------------ */

/* What sp1_port.check judges before it is put into use. Slots as of SP1_SLOT; the bytes are in storage. */
typedef struct sp1_bundle {
  unsigned bank;           /* whose key it is for */
  const char *id;          /* the device id: the leaf's common name must be this */
  unsigned leaf, chain;    /* slots */
  bool has_tunnel;
  unsigned tunnel;         /* slot of wg0.conf */
  bool tenant_key;         /* the WireGuard key is the tenant's, in slot tunnel_key; else the bank's own */
  unsigned tunnel_key;
} sp1_bundle;

/*
 * Callbacks. Each gets ctx first. Those that return int return SP1_OK or a status; the ones marked (again) may return
 * SP1_AGAIN as often as they like, which is for hardware that takes its time: they are called again with the same
 * arguments until they return something else, or until stop is called. A callback that blocks for longer than 40 ms
 * calls sp1_working now and then instead.
 *
 * Durable means: still there after the power is cut right after the callback returned.
 */
typedef struct sp1_port {
  void *ctx;

  /* The line. write takes n bytes, at most SP1_MAX_WIRE; what it cannot take in time is lost, which SP1 survives. */
  void (*write)(void *ctx, const uint8_t *p, size_t n);
  uint32_t (*millis)(void *ctx);                       /* a clock that nobody sets; wraps around */
  int (*random)(void *ctx, uint8_t *p, size_t n);      /* SP1_RNG_NOT_READY until it is good enough for keys */

  /* Keys, one per bank. None of them ever leaves the port. */
  int (*key_make)(void *ctx, unsigned bank, int alg);  /* (again) durable; replaces what the bank had */
  int (*key_csr)(void *ctx, unsigned bank, const char *id, uint8_t *p, size_t cap, size_t *n); /* (again) CN and SAN are id */
  int (*key_spki)(void *ctx, unsigned bank, uint8_t *p, size_t cap, size_t *n);                /* DER */
  int (*key_sign)(void *ctx, unsigned bank, const uint8_t *msg, size_t len, uint8_t *p, size_t cap, size_t *n); /* (again) */
  int (*key_drop)(void *ctx, unsigned bank);           /* key and WireGuard key; no error where there is none */
  int (*tunnel_make)(void *ctx, unsigned bank, uint8_t public_key[32]); /* durable WireGuard key. NULL: no wg0.conf here */
  void (*stop)(void *ctx);                             /* give up what answered SP1_AGAIN. NULL: nothing ever does */

  /* Storage. Slots are named by SP1_SLOT. */
  int (*record_load)(void *ctx, uint8_t *p, size_t n, bool *found);
  int (*record_save)(void *ctx, const uint8_t *p, size_t n);                            /* durable, in one step */
  int (*blob_size)(void *ctx, unsigned slot, uint32_t *n);                              /* 0: there is none */
  int (*blob_read)(void *ctx, unsigned slot, uint32_t off, uint8_t *p, size_t n);       /* all n bytes */
  int (*blob_append)(void *ctx, unsigned slot, uint32_t off, const uint8_t *p, size_t n); /* durable; off is its size */
  int (*blob_drop)(void *ctx, unsigned slot);                                           /* no error where there is none */

  /*
   * Judges certificates and tunnel: CN, no CA, each signed by the next, ends in a self-signed root; wg0.conf without
   * hooks. That the leaf is for the bank's key was compared before. SP1_BAD_ARGUMENT is the usual refusal.
   */
  int (*check)(void *ctx, const sp1_bundle *bundle);
  /* The generation in the bank was sealed: show its files to the box's other programs. Also called at start. NULL: nothing */
  int (*publish)(void *ctx, unsigned bank, const sp1_generation *g, unsigned side, const uint8_t *flag, size_t flag_len);

  /* The clock of the box, microseconds since 1970 UTC; 0: none. NULL: none, or not to be set. */
  int64_t (*clock_get)(void *ctx);
  int (*clock_set)(void *ctx, int64_t now);
  void (*reboot)(void *ctx); /* the answer to REBOOT has left. NULL: refused */
} sp1_port;

typedef struct sp1_config {
  const sp1_port *port;
  const char *model, *serial, *firmware; /* printable ASCII; NULL: none */
  uint8_t *message;                      /* the message buffer: requests and responses, one at a time */
  size_t message_size;                   /* its size, which is the max_msg offered: SP1_LEAST_MESSAGE or more */
  uint16_t mtu;                          /* payload of one frame, SP1_LEAST_MTU to SP1_MAX_PAYLOAD */
  uint8_t window;                        /* frames in flight, 1 to SP1_WINDOW_MAX */
  uint32_t baud;                         /* of the UART; 0: faster than it can be written (USB, pty) */
  uint8_t key_store;                     /* where key_make puts keys */
  uint8_t reenroll;                      /* SP1_REENROLL_NEVER or SP1_REENROLL_OPEN */
  uint32_t signatures;                   /* TLS signatures per key, counted for good; 0: 16 */
  int64_t build_time;                    /* the clock is never set below this, microseconds; 0: no bound */
} sp1_config;

/* --- the device ---------------------------------------------------------------------------------------------------- */

/* A fragment of the response that was sent and is not known to have arrived, or the last one that was. */
typedef struct sp1_sent {
  uint32_t order; /* of its latest transmission */
  uint32_t gone;  /* when that has left the modelled wire */
  bool acked, lost;
} sp1_sent;

/* All state but the message buffer. Its fields are the implementation's own. */
typedef struct sp1_device {
  sp1_config cfg;
  uint8_t boot[8];
  sp1_record rec;

  uint32_t session, ended, max;
  uint16_t mtu;
  uint8_t win;
  uint32_t last_byte, last_host, announce_at, backlog_us, backlog_at;
  bool idle_said;

  uint8_t id, last; /* the request: its id (0: none in this session), index of its last fragment */
  bool started, complete, too_long, ack_due;
  uint16_t got, unsaid, said, high;
  uint32_t size;

  uint8_t phase, op, step, work_bank; /* what is done about it */
  uint32_t busy_at, busy_said;
  uint32_t next_offset;
  const char *detail;

  uint32_t rsp_n, order; /* the response, kept for who asks again */
  uint16_t frags, next, base;
  bool again, reset, rebooting;
  sp1_sent sent[SP1_WINDOW_MAX];

  uint16_t welcome_n, welcome_next, rx_n;
  bool rx_skip;
  uint8_t log_n;
  char log[SP1_MAX_LOG];
  uint8_t welcome[SP1_MAX_WELCOME];
  uint8_t have[SP1_MAX_FRAGMENTS / 8];
  uint8_t length[SP1_MAX_FRAGMENTS];
  uint8_t rx[SP1_MAX_SEGMENT];
  uint8_t tx[SP1_MAX_WIRE];
} sp1_device;

/*
 * Prepares a device: reads its record, draws a boot id, publishes what is sealed. Statuses: SP1_BAD_ARGUMENT for a
 * configuration out of its bounds; SP1_INTERNAL for a record that is damaged, which is never taken for an empty one.
 */
int sp1_init(sp1_device *d, const sp1_config *cfg);

/* Takes bytes as they come from the line. It may write (BYE), never blocks, and executes nothing. */
void sp1_input(sp1_device *d, const uint8_t *p, size_t n);

/* Does what is due, one request at most, and says in how many milliseconds it wants to be called again at the latest. */
uint32_t sp1_poll(sp1_device *d);

/* The line was opened, or opened again: the session of the line before is over, and the device announces itself. */
void sp1_line_opened(sp1_device *d);

/* The device stops: says BYE where there is a session. */
void sp1_close(sp1_device *d);

/* For callbacks that block: says BUSY where it is due. Everywhere else it does nothing. */
void sp1_working(sp1_device *d);

/* Says one line to the station, for people. It may be lost. Printable text, cut off at SP1_MAX_LOG. No secrets. */
void sp1_log(sp1_device *d, const char *text);

/* SP1_EMPTY to SP1_SEALED. */
int sp1_state(const sp1_device *d);

/* --- SHA-256, for ports that have none of their own ------------------------------------------------------------------ */

typedef struct sp1_sha256 {
  uint32_t h[8];
  uint64_t n;
  uint8_t block[64];
} sp1_sha256;

/* Define SP1_OWN_SHA256 and leave sp1_sha256.c out to link your hardware's. */
void sp1_sha256_init(sp1_sha256 *s);
void sp1_sha256_add(sp1_sha256 *s, const uint8_t *p, size_t n);
void sp1_sha256_sum(sp1_sha256 *s, uint8_t out[32]);

#ifdef __cplusplus
}
#endif

#endif
