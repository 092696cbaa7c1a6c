/* The line as it is heard: frames out of bytes, sessions, requests out of fragments. */
#include "sp1_internal.h"

#include <string.h>

#define BUSY_FIRST 40U      /* before the host's first poll */
#define BUSY_EVERY 200U
#define SESSION_IDLE 10000U
#define ANNOUNCE_EVERY 225U /* and up to 50 more */
#define AGAIN_EVERY 5U      /* how soon what answered SP1_AGAIN is called again */

static uint32_t now_of(const sp1_device *d) { return d->cfg.port->millis(d->cfg.port->ctx); }

bool sp1_due(uint32_t a, uint32_t now) { return (int32_t)(now - a) >= 0; }

/* --- bytes to frames ------------------------------------------------------------------------------------------------ */

void sp1_input(sp1_device *d, const uint8_t *p, size_t n) {
  uint32_t now = now_of(d);
  size_t i;
  if (n == 0) {
    return;
  }
  d->last_byte = now;
  d->idle_said = false;
  for (i = 0; i < n; i++) {
    if (p[i] == 0) {
      sp1_frame f;
      if (!d->rx_skip && d->rx_n > 0 && sp1_frame_decode(d->rx, d->rx_n, d->session, &f)) {
        sp1_on_frame(d, &f, now);
      } /* else it is an echo of something, or noise: a device has no use for text */
      d->rx_n = 0;
      d->rx_skip = false;
    } else if (d->rx_n == sizeof d->rx) {
      d->rx_skip = true; /* up to the next delimiter this is no frame */
    } else {
      d->rx[d->rx_n++] = p[i];
    }
  }
}

/* --- sessions ------------------------------------------------------------------------------------------------------- */

static void forget_request(sp1_device *d, uint8_t id) {
  d->id = id;
  d->started = d->complete = d->too_long = d->ack_due = d->again = d->reset = false;
  d->got = d->unsaid = d->said = d->high = 0;
  d->size = d->rsp_n = d->order = d->next_offset = 0;
  d->frags = d->next = d->base = 0;
  d->phase = SP1_IDLE;
  d->op = d->step = 0;
  memset(d->have, 0, sizeof d->have);
  memset(d->length, 0, sizeof d->length);
  memset(d->sent, 0, sizeof d->sent);
}

static void stop_work(sp1_device *d) {
  if (d->phase == SP1_RUNNING && d->cfg.port->stop != NULL) {
    d->cfg.port->stop(d->cfg.port->ctx);
  }
  d->phase = SP1_IDLE;
}

void sp1_end_session(sp1_device *d) {
  stop_work(d);
  if (d->session == 0) {
    return;
  }
  d->ended = d->session;
  d->session = 0;
  d->welcome_n = d->welcome_next = 0;
  d->log_n = 0;
  forget_request(d, 0);
}

static void say(sp1_device *d, uint32_t session, uint8_t kind, const uint8_t *p, size_t n, uint32_t now) {
  uint32_t was = d->session;
  sp1_frame f;
  memset(&f, 0, sizeof f);
  f.dir = 1;
  f.kind = kind;
  f.p = p;
  f.n = n;
  d->session = session;
  sp1_send_frame(d, &f, now);
  d->session = was;
}

static uint32_t least32(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void on_hello(sp1_device *d, const sp1_frame *f, uint32_t now) {
  static const uint8_t bad_version[] = {0xa1, 0x00, SP1_BAD_VERSION};
  sp1_hello h;
  sp1_bytes m;
  m.p = f->p;
  m.n = f->n;
  if (f->last != 0 || !sp1_read_hello(m, &h)) {
    return;
  }
  if (h.least > SP1_VERSION || h.most < SP1_VERSION) {
    say(d, h.session, SP1_BYE, bad_version, sizeof bad_version, now);
    return;
  }
  if (d->session != 0 && h.session == d->session) { /* the same WELCOME again; nothing else changes */
    d->last_host = now;
    if (d->welcome_next * (uint32_t)d->mtu >= d->welcome_n) {
      d->welcome_next = 0;
    }
    return;
  }
  if (h.session == d->ended) { /* late */
    return;
  }
  sp1_end_session(d);
  d->session = h.session;
  d->mtu = (uint16_t)least32(h.mtu, d->cfg.mtu);
  d->win = (uint8_t)least32(h.win, d->cfg.window);
  d->max = least32(h.max, (uint32_t)d->cfg.message_size);
  d->last_host = now;
  forget_request(d, 0);
  d->welcome_n = (uint16_t)sp1_encode_welcome(d, h.features);
  d->welcome_next = 0;
}

/* --- fragments to requests ------------------------------------------------------------------------------------------ */

static bool has(const sp1_device *d, unsigned i) { return ((unsigned)d->have[i / 8] >> (i % 8) & 1U) != 0; }

/* A loss shows: this fragment opened a gap, or filled a hole while one below it is still open. */
static bool gap_below(const sp1_device *d, unsigned idx) {
  unsigned i;
  if (d->got == 0) {
    return idx > 0;
  }
  if (idx > d->high) {
    return idx > d->high + 1U;
  }
  for (i = 0; i < idx; i++) {
    if (!has(d, i)) {
      return true;
    }
  }
  return false;
}

/*
 * Puts a fragment where it belongs. Fragments may be of any size and come in any order, so what lies behind it moves up;
 * where they come in order, which is nearly always, nothing moves.
 */
static void insert(sp1_device *d, const sp1_frame *f) {
  uint8_t *m = d->cfg.message;
  uint32_t off = 0;
  unsigned i;
  for (i = 0; i < f->idx; i++) {
    off += d->length[i];
  }
  memmove(m + off + f->n, m + off, d->size - off);
  if (f->n > 0) {
    memcpy(m + off, f->p, f->n);
  }
  d->size += (uint32_t)f->n;
  d->length[f->idx] = (uint8_t)f->n;
  d->have[f->idx / 8] |= (uint8_t)(1U << (f->idx % 8));
}

static void on_fragment(sp1_device *d, const sp1_frame *f) {
  unsigned half = d->win / 2U;
  if (f->idx > f->last || (d->started && f->last != d->last) || (f->n == 0 && f->last > 0)) {
    return;
  }
  if (!d->started) {
    d->started = true;
    d->last = f->last;
  }
  if (has(d, f->idx)) {
    d->ack_due = true;
    return;
  }
  if (d->size + f->n > d->max) {
    d->too_long = d->complete = true;
    d->phase = SP1_WHOLE;
    return;
  }
  insert(d, f);
  if (gap_below(d, f->idx)) {
    d->ack_due = true;
  }
  if (d->got == 0 || f->idx > d->high) {
    d->high = f->idx;
  }
  d->got++;
  d->unsaid++;
  if (d->unsaid >= (half > 0 ? half : 1U) && (unsigned)d->said + d->win < (unsigned)d->last + 1U) {
    d->ack_due = true;
  }
  if (d->got == (unsigned)d->last + 1U) {
    d->complete = true;
    d->phase = SP1_WHOLE;
    d->busy_said = d->last_byte;
    d->busy_at = d->last_byte + BUSY_FIRST;
  }
}

/* Whether id b comes after a, within half of the circle 1..255. */
static bool ahead(uint8_t a, uint8_t b) {
  int n = ((int)b - (int)a + 255) % 255;
  return n > 0 && n < 128;
}

static void on_request(sp1_device *d, const sp1_frame *f, uint32_t now) {
  if (f->id == 0) {
    return;
  }
  if (f->id != d->id) {
    if (d->id != 0 && !ahead(d->id, f->id)) {
      return; /* a late duplicate: never executed again */
    }
    stop_work(d); /* the host has given the older one up */
    forget_request(d, f->id);
  }
  if (d->phase == SP1_ANSWERED) {
    sp1_answer_again(d, now);
  } else if (d->complete) {
    if (now - d->busy_said >= BUSY_FIRST) {
      d->busy_at = now;
    }
  } else {
    on_fragment(d, f);
  }
}

void sp1_on_frame(sp1_device *d, const sp1_frame *f, uint32_t now) {
  if (f->dir != 0) { /* an echo */
    return;
  }
  if (f->kind == SP1_HELLO) {
    on_hello(d, f, now);
    return;
  }
  if (d->session == 0 || f->kind == SP1_WELCOME || f->kind == SP1_ANNOUNCE || f->kind == SP1_LOG) {
    return;
  }
  d->last_host = now;
  switch (f->kind) {
    case SP1_REQ:
      on_request(d, f, now);
      break;
    case SP1_ACK:
      sp1_on_ack(d, f, now);
      break;
    case SP1_CANCEL:
      if (d->phase == SP1_RUNNING && f->id == d->id) {
        stop_work(d);
        sp1_respond_status(d, SP1_INTERNAL, "cancelled", 0);
      }
      break;
    case SP1_BYE:
      sp1_end_session(d);
      d->announce_at = now;
      break;
    default: /* BUSY with id 0: the session is still wanted. Unknown kinds are dropped */
      break;
  }
}

/* --- what is due ---------------------------------------------------------------------------------------------------- */

/* Runs the request that is whole, or goes on with it. */
static void work(sp1_device *d) {
  sp1_bytes m;
  int status;
  if (d->phase != SP1_WHOLE && d->phase != SP1_RUNNING) {
    return;
  }
  if (d->too_long) {
    sp1_respond_status(d, SP1_TOO_LARGE, "request larger than agreed", 0);
    return;
  }
  m.p = d->cfg.message;
  m.n = d->size;
  d->phase = SP1_RUNNING;
  d->detail = "";
  status = sp1_execute(d, m);
  d->last_host = now_of(d);
  if (status == SP1_AGAIN) {
    return;
  }
  if (status != SP1_OK) {
    sp1_respond_status(d, status, d->detail, d->next_offset);
  }
}

static void announce(sp1_device *d, uint32_t now) {
  uint8_t payload[SP1_MAX_PAYLOAD], jitter = 0;
  size_t n = sp1_encode_announce(d, payload, sizeof payload);
  if (d->cfg.port->random(d->cfg.port->ctx, &jitter, 1) != SP1_OK) {
    jitter = (uint8_t)now; /* of no consequence */
  }
  d->announce_at = now + ANNOUNCE_EVERY + jitter % 51U;
  say(d, 0, SP1_ANNOUNCE, payload, n, now);
}

bool sp1_idle_due(const sp1_device *d) { return d->session != 0 && d->started && !d->complete && !d->idle_said; }

static uint32_t until(uint32_t at, uint32_t now, uint32_t least) {
  uint32_t left = sp1_due(at, now) ? 0 : at - now;
  return left < least ? left : least;
}

/* How long nothing needs to be done. */
static uint32_t rest(sp1_device *d, uint32_t now) {
  uint32_t t = sp1_wire_wait(d, now);
  if (t > 0 || d->rebooting) {
    return t > 0 ? t : 1;
  }
  t = 1000;
  if (d->session == 0) {
    return until(d->announce_at, now, t);
  }
  if (d->phase == SP1_RUNNING) {
    return AGAIN_EVERY;
  }
  t = until(d->last_host + SESSION_IDLE, now, t);
  if (sp1_idle_due(d)) {
    t = until(d->last_byte + SP1_IDLE_AFTER + sp1_wire_ms(d, 16), now, t);
  }
  return t;
}

uint32_t sp1_poll(sp1_device *d) {
  uint32_t now;
  work(d);
  now = now_of(d);
  if (d->session != 0 && d->phase != SP1_RUNNING && now - d->last_host >= SESSION_IDLE) {
    sp1_end_session(d);
    d->announce_at = now;
  }
  if (d->session == 0 && sp1_due(d->announce_at, now) && sp1_wire_free(d, now)) {
    announce(d, now);
  }
  while (sp1_wire_free(d, now) && sp1_send_next(d, now)) {
    now = now_of(d);
  }
  if (d->reset && d->next == d->frags) { /* from now on whatever the host does next */
    d->reset = false;
    d->rebooting = true;
  }
  if (d->rebooting && sp1_wire_free(d, now) && d->backlog_us == 0) {
    d->rebooting = false;
    d->cfg.port->reboot(d->cfg.port->ctx);
  }
  return rest(d, now_of(d));
}

void sp1_working(sp1_device *d) {
  uint32_t now = now_of(d);
  sp1_frame f;
  if (d->session == 0 || d->phase != SP1_RUNNING || !sp1_due(d->busy_at, now)) {
    return;
  }
  memset(&f, 0, sizeof f);
  f.dir = 1;
  f.kind = SP1_BUSY_FRAME;
  f.id = d->id;
  d->busy_said = now;
  d->busy_at = now + BUSY_EVERY;
  sp1_send_frame(d, &f, now);
}

void sp1_line_opened(sp1_device *d) {
  sp1_end_session(d);
  d->rx_n = 0;
  d->rx_skip = false;
  d->backlog_us = 0;
  d->announce_at = now_of(d);
}

void sp1_close(sp1_device *d) {
  if (d->session != 0) {
    say(d, d->session, SP1_BYE, NULL, 0, now_of(d));
  }
  sp1_end_session(d);
}

void sp1_log(sp1_device *d, const char *text) {
  size_t n = strlen(text);
  if (d->session == 0 || d->log_n > 0) {
    return;
  }
  d->log_n = (uint8_t)(n < sizeof d->log ? n : sizeof d->log);
  memcpy(d->log, text, d->log_n);
}
