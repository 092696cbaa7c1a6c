/* What the files of this folder share. Nothing here is for users of the library; tests use it. */
#ifndef SP1_INTERNAL_H
#define SP1_INTERNAL_H

#include "sp1.h"

#define SP1_VERSION 1
#define SP1_HEADER 4U
#define SP1_CRC 4U
#define SP1_MAX_OBJECT (SP1_MAX_CERT * SP1_MAX_CHAIN)
#define SP1_IDLE_AFTER 40U /* ms of silence after which the receiver of an unfinished message speaks up */
#define SP1_CHUNK 64U /* of a blob in memory at a time */

enum {
  SP1_HELLO = 1,
  SP1_WELCOME = 2,
  SP1_ANNOUNCE = 3,
  SP1_REQ = 4,
  SP1_RSP = 5,
  SP1_ACK = 6,
  SP1_BUSY_FRAME = 7,
  SP1_CANCEL = 8,
  SP1_LOG = 9,
  SP1_BYE = 10
};

enum {
  SP1_OP_STATUS = 1,
  SP1_OP_ENROLL = 2,
  SP1_OP_INSTALL = 3,
  SP1_OP_PUT = 4,
  SP1_OP_COMMIT = 5,
  SP1_OP_SIGN_TLS13 = 6,
  SP1_OP_LOCK = 7,
  SP1_OP_REBOOT = 8,
  SP1_OP_ABORT = 9,
  SP1_OP_CLOCK = 11,
  SP1_OP_READ = 13
};

enum { SP1_OBJ_LEAF = 1, SP1_OBJ_CHAIN = 2, SP1_OBJ_ANCHORS = 3, SP1_OBJ_TUNNEL = 4, SP1_OBJ_PINS = 5 };

/* sp1_device.phase */
enum { SP1_IDLE = 0, SP1_WHOLE = 1, SP1_RUNNING = 2, SP1_ANSWERED = 3 };

typedef struct sp1_bytes {
  const uint8_t *p;
  size_t n;
} sp1_bytes;

/* --- sp1_cobs.c, sp1_frame.c --------------------------------------------------------------------------------------- */

typedef struct sp1_cobs {
  uint8_t *dst;
  size_t code, n;
  unsigned run;
} sp1_cobs;

/* The encoding grows by one byte per 254, at least one. Bytes go in one by one, so there is no copy of the frame. */
void sp1_cobs_begin(sp1_cobs *e, uint8_t *dst);
void sp1_cobs_put(sp1_cobs *e, uint8_t b);
size_t sp1_cobs_end(sp1_cobs *e);
/* Decodes in place. False: malformed. */
bool sp1_cobs_decode(uint8_t *p, size_t n, size_t *out);

uint32_t sp1_crc32c(uint32_t crc, const uint8_t *p, size_t n);
uint32_t sp1_get32(const uint8_t *p);
void sp1_put32(uint8_t *p, uint32_t v);

typedef struct sp1_frame {
  unsigned dir; /* 0: host to device, 1: device to host */
  uint8_t kind, id, idx, last;
  const uint8_t *p;
  size_t n;
} sp1_frame;

/* With both delimiters; 0 for a frame that is none. */
size_t sp1_frame_encode(uint8_t out[SP1_MAX_WIRE], uint32_t session, const sp1_frame *f);
/* Decodes in place what stood between two delimiters; the payload points into it. */
bool sp1_frame_decode(uint8_t *p, size_t n, uint32_t session, sp1_frame *f);

/* --- sp1_cbor.c ---------------------------------------------------------------------------------------------------- */

enum { SP1_UINT = 0, SP1_NEGINT = 1, SP1_BSTR = 2, SP1_TSTR = 3, SP1_ARRAY = 4, SP1_MAP = 5, SP1_BOOL = 7, SP1_ABSENT = 255 };

/* One data item. Of an array or map, p and n are everything from its first element on. */
typedef struct sp1_item {
  uint8_t major;
  uint64_t arg; /* value; length; number of elements or pairs; 1 for true */
  sp1_bytes b;
} sp1_item;

/* Whether p is one map in the deterministic encoding that SP1 takes. Everything below trusts this. */
bool sp1_cbor_strict(const uint8_t *p, size_t n);
/* Takes one item off the cursor, with all that is in it. */
void sp1_cbor_next(sp1_bytes *cursor, sp1_item *it);
/* The value of a key that is not negative; SP1_ABSENT where there is none. */
void sp1_cbor_get(sp1_bytes map, uint64_t key, sp1_item *it);

typedef struct sp1_writer {
  uint8_t *p;
  size_t n, cap;
  bool full; /* something did not fit */
} sp1_writer;

void sp1_write_head(sp1_writer *w, uint8_t major, uint64_t arg);
void sp1_write_uint(sp1_writer *w, uint64_t key, uint64_t v);
void sp1_write_bytes(sp1_writer *w, uint64_t key, const uint8_t *p, size_t n);
void sp1_write_text(sp1_writer *w, uint64_t key, const char *s);
/* Room for n bytes; NULL where there is none. */
uint8_t *sp1_write_room(sp1_writer *w, size_t n);

/* --- sp1_message.c: requests and HELLO, checked ---------------------------------------------------------------------- */

typedef struct sp1_hello {
  uint8_t least, most, win;
  uint16_t mtu;
  uint32_t session, max, features;
} sp1_hello;

typedef struct sp1_enroll_args {
  uint8_t alg;
  sp1_bytes id;
  const uint8_t *enroll_id;
  bool tunnel, keep;
} sp1_enroll_args;

typedef struct sp1_install_args {
  sp1_bytes leaf, chain[SP1_MAX_CHAIN], conf, tunnel_key;
  size_t certs, pins;
  const uint8_t *enroll_id;
  bool commit;
} sp1_install_args;

typedef struct sp1_put_args {
  uint8_t obj;
  uint32_t off, total;
  const uint8_t *sha256, *enroll_id;
  sp1_bytes data;
} sp1_put_args;

typedef struct sp1_commit_args {
  const uint8_t *enroll_id, *leaf, *chain, *tunnel; /* SHA-256 each; NULL: not named */
  bool other;                                       /* an object that cannot be committed is named */
  sp1_bytes tunnel_key;
} sp1_commit_args;

typedef struct sp1_sign_args {
  sp1_bytes hash;
  uint16_t scheme;
} sp1_sign_args;

typedef struct sp1_lock_args {
  const uint8_t *enroll_id;
  sp1_bytes flag;
} sp1_lock_args;

bool sp1_read_op(sp1_bytes m, uint8_t *op);
bool sp1_read_hello(sp1_bytes m, sp1_hello *v);
bool sp1_read_simple(sp1_bytes m);
bool sp1_read_enroll(sp1_bytes m, sp1_enroll_args *v);
bool sp1_read_install(sp1_bytes m, sp1_install_args *v);
bool sp1_read_put(sp1_bytes m, sp1_put_args *v);
bool sp1_read_commit(sp1_bytes m, sp1_commit_args *v);
bool sp1_read_sign(sp1_bytes m, sp1_sign_args *v);
bool sp1_read_lock(sp1_bytes m, sp1_lock_args *v);
bool sp1_read_abort(sp1_bytes m, const uint8_t **enroll_id); /* NULL: none named */
bool sp1_read_clock(sp1_bytes m, int64_t *set);
bool sp1_read_object(sp1_bytes m, uint8_t *obj);

/* --- sp1_link.c, sp1_send.c ------------------------------------------------------------------------------------------ */

void sp1_on_frame(sp1_device *d, const sp1_frame *f, uint32_t now);
void sp1_end_session(sp1_device *d);
/* Makes what lies in the message buffer, n bytes, the response. */
void sp1_respond(sp1_device *d, size_t n);
void sp1_respond_status(sp1_device *d, int status, const char *detail, uint32_t next);
void sp1_send_frame(sp1_device *d, const sp1_frame *f, uint32_t now);
bool sp1_send_next(sp1_device *d, uint32_t now);
uint32_t sp1_wire_ms(const sp1_device *d, uint32_t bytes);
/* How long until no more than two frames wait for the wire, in ms. */
uint32_t sp1_wire_wait(sp1_device *d, uint32_t now);
bool sp1_wire_free(sp1_device *d, uint32_t now);
void sp1_on_ack(sp1_device *d, const sp1_frame *f, uint32_t now);
void sp1_answer_again(sp1_device *d, uint32_t now);
bool sp1_idle_due(const sp1_device *d);
/* Whether time a has come at time now. */
bool sp1_due(uint32_t a, uint32_t now);

/* --- sp1_store.c ----------------------------------------------------------------------------------------------------- */

#define SP1_NO_BANK 255U

int sp1_load(sp1_device *d);
int sp1_save(sp1_device *d);
/* The generation named by newest or active; NULL: none. */
sp1_generation *sp1_newest(sp1_device *d);
sp1_generation *sp1_active(sp1_device *d);
unsigned sp1_newest_bank(const sp1_device *d);
/* The generation being built under an enrollment id; else a status. */
int sp1_candidate(sp1_device *d, const uint8_t *enroll_id, sp1_generation **g);
bool sp1_retired(const sp1_device *d, const uint8_t *enroll_id);
void sp1_retire(sp1_device *d, const uint8_t *enroll_id);
int sp1_drop_bank(sp1_device *d, unsigned bank);
/* Drops what PUT or INSTALL left beside what counts, and what the record says of it. */
int sp1_unstage(sp1_device *d, unsigned bank);
/* The same without a look at the record. */
int sp1_drop_side(sp1_device *d, unsigned bank);
bool sp1_any_staged(const sp1_device *d);
unsigned sp1_slot(const sp1_device *d, unsigned bank, unsigned blob, bool staged);
uint32_t sp1_size(sp1_device *d, unsigned slot);
int sp1_hash_range(sp1_device *d, unsigned slot, uint32_t off, uint32_t n, uint8_t out[32]);
int sp1_hash(sp1_device *d, unsigned slot, uint8_t out[32]);
/* Refuses with a detail for people. */
int sp1_refuse(sp1_device *d, int status, const char *detail);

/* --- sp1_der.c: certificates as far as this library looks into them ---------------------------------------------------- */

/* A part of a blob. */
typedef struct sp1_span {
  unsigned slot;
  uint32_t off, n;
} sp1_span;

/* Takes one TLV off the span. False: it does not fit. content: without its head. */
bool sp1_der_take(sp1_device *d, sp1_span *span, uint8_t *tag, sp1_span *whole, sp1_span *content);
/* The SubjectPublicKeyInfo of the certificate that fills the span. */
bool sp1_der_spki(sp1_device *d, sp1_span cert, sp1_span *spki);
/* Counts the certificates that fill a blob, at most SP1_MAX_CHAIN of at most SP1_MAX_CERT each. False: something else. */
bool sp1_der_count(sp1_device *d, unsigned slot, unsigned *n, sp1_span *last);

/* --- operations: each answers by sp1_respond and returns SP1_OK, or returns a status, or SP1_AGAIN ----------------------- */

int sp1_execute(sp1_device *d, sp1_bytes m);
int sp1_enroll(sp1_device *d, sp1_bytes m);
int sp1_abort(sp1_device *d, sp1_bytes m);
int sp1_install(sp1_device *d, sp1_bytes m);
int sp1_put(sp1_device *d, sp1_bytes m);
int sp1_commit(sp1_device *d, sp1_bytes m);
int sp1_status(sp1_device *d, sp1_bytes m);
int sp1_read(sp1_device *d, sp1_bytes m);
int sp1_sign(sp1_device *d, sp1_bytes m);
int sp1_lock(sp1_device *d, sp1_bytes m);
int sp1_clock(sp1_device *d, sp1_bytes m);
size_t sp1_encode_announce(sp1_device *d, uint8_t *p, size_t cap);
size_t sp1_encode_welcome(sp1_device *d, uint32_t features);
uint32_t sp1_signatures_left(const sp1_device *d, const sp1_generation *g);
int64_t sp1_now(const sp1_device *d);
/* The chain certificate with this SHA-256 prefix that the device holds. */
bool sp1_find_held(sp1_device *d, const uint8_t prefix[8], sp1_span *cert);
/* The prefixes of what it holds, at most SP1_MAX_CHAIN. */
unsigned sp1_held(sp1_device *d, uint8_t prefixes[SP1_MAX_CHAIN][8]);
/* A writer over the message buffer that has begun a response with status ok and so many more keys. */
void sp1_begin(sp1_device *d, sp1_writer *w, unsigned keys);
int sp1_finish(sp1_device *d, const sp1_writer *w);
/* The part of the message buffer behind the request. */
uint8_t *sp1_scratch(sp1_device *d, size_t *cap);

#endif
