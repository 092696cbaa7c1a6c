/* The line as it is spoken to: which frame is next, and when the wire has room for it. */
#include "sp1_internal.h"

#include <string.h>


/* --- the modelled wire ---------------------------------------------------------------------------------------------- */

/* How long n bytes take at 8N1, in microseconds. */
static uint32_t wire_us(const sp1_device *d, uint32_t n) {
  return d->cfg.baud == 0 ? 0 : (uint32_t)((uint64_t)n * 10000000U / d->cfg.baud);
}

uint32_t sp1_wire_ms(const sp1_device *d, uint32_t bytes) { return (wire_us(d, bytes) + 999U) / 1000U; }

static void drain(sp1_device *d, uint32_t now) {
  uint32_t passed = now - d->backlog_at;
  uint32_t us = passed > UINT32_MAX / 1000U ? UINT32_MAX : passed * 1000U;
  d->backlog_us = us < d->backlog_us ? d->backlog_us - us : 0;
  d->backlog_at = now;
}

uint32_t sp1_wire_wait(sp1_device *d, uint32_t now) {
  uint32_t most = wire_us(d, 2U * SP1_MAX_WIRE);
  drain(d, now);
  return d->backlog_us <= most ? 0 : (d->backlog_us - most + 999U) / 1000U;
}

bool sp1_wire_free(sp1_device *d, uint32_t now) { return sp1_wire_wait(d, now) == 0; }

void sp1_send_frame(sp1_device *d, const sp1_frame *f, uint32_t now) {
  size_t n = sp1_frame_encode(d->tx, d->session, f);
  if (n == 0) {
    return;
  }
  drain(d, now);
  d->backlog_us += wire_us(d, (uint32_t)n);
  d->cfg.port->write(d->cfg.port->ctx, d->tx, n);
}

/* --- the response in fragments -------------------------------------------------------------------------------------- */

static void answered(sp1_device *d, size_t n) {
  d->complete = true;
  d->rsp_n = (uint32_t)n;
  d->frags = (uint16_t)((n + d->mtu - 1) / d->mtu);
  d->next = d->base = 0;
  d->order = 0;
  d->again = false;
  d->phase = SP1_ANSWERED;
}

void sp1_respond_status(sp1_device *d, int status, const char *detail, uint32_t next) {
  sp1_writer w;
  memset(&w, 0, sizeof w);
  w.p = d->cfg.message;
  w.cap = d->cfg.message_size;
  sp1_write_head(&w, SP1_MAP, 1U + (next != 0 ? 1U : 0U) + (detail[0] != 0 ? 1U : 0U));
  sp1_write_uint(&w, 0, (uint64_t)status);
  if (next != 0) {
    sp1_write_uint(&w, 2, next);
  }
  if (detail[0] != 0) {
    sp1_write_text(&w, 15, detail);
  }
  answered(d, w.n);
}

void sp1_respond(sp1_device *d, size_t n) {
  if (n > d->max || n > (size_t)d->mtu * SP1_MAX_FRAGMENTS) {
    sp1_respond_status(d, SP1_TOO_LARGE, "response larger than agreed", 0);
    return;
  }
  answered(d, n);
}

static sp1_sent *slot(sp1_device *d, unsigned i) { return &d->sent[i % SP1_WINDOW_MAX]; }

/* The fragment to send now: a lost one first, then a new one within the window. */
static bool pick(sp1_device *d, unsigned *i) {
  for (*i = d->base; *i < d->next; (*i)++) {
    if (slot(d, *i)->lost) {
      return true;
    }
  }
  if (d->next < d->frags && (unsigned)(d->next - d->base) < d->win) {
    *i = d->next;
    return true;
  }
  *i = d->frags - 1U;
  return d->again;
}

static void send_fragment(sp1_device *d, unsigned i, uint32_t now) {
  uint32_t off = (uint32_t)i * d->mtu, left = d->rsp_n - off;
  sp1_sent *s = slot(d, i);
  sp1_frame f;
  f.dir = 1;
  f.kind = SP1_RSP;
  f.id = d->id;
  f.idx = (uint8_t)i;
  f.last = (uint8_t)(d->frags - 1U);
  f.p = d->cfg.message + off;
  f.n = left < d->mtu ? left : d->mtu;
  if (i == d->next) {
    d->next++;
    s->acked = false;
  } else if (i == d->frags - 1U) {
    d->again = false;
  }
  s->lost = false;
  s->order = ++d->order;
  sp1_send_frame(d, &f, now);
  s->gone = now + (d->backlog_us + 999U) / 1000U;
}

/* Everything that is not acknowledged and has left the wire goes out again. */
static void repeat(sp1_device *d, uint32_t now) {
  unsigned i;
  for (i = d->base; i < d->next; i++) {
    if (!slot(d, i)->acked && sp1_due(slot(d, i)->gone, now)) {
      slot(d, i)->lost = true;
    }
  }
}

void sp1_answer_again(sp1_device *d, uint32_t now) {
  repeat(d, now);
  if (d->base == d->frags && sp1_due(slot(d, d->frags - 1U)->gone, now)) {
    d->again = true; /* all was acknowledged, and the host asks all the same */
  }
}

/*
 * Loss is judged by send order: the line is first in, first out, so what was sent before a fragment that is newly
 * acknowledged, and is not acknowledged itself, is lost.
 */
void sp1_on_ack(sp1_device *d, const sp1_frame *f, uint32_t now) {
  uint32_t newest = 0;
  unsigned i;
  if (d->phase != SP1_ANSWERED || f->id != d->id || f->last != d->frags - 1U || f->idx > 1) {
    return;
  }
  for (i = d->base; i < d->next; i++) {
    sp1_sent *s = slot(d, i);
    if (!s->acked && i / 8 < f->n && ((unsigned)f->p[i / 8] >> (i % 8) & 1U) != 0) {
      s->acked = true;
      s->lost = false;
      newest = s->order > newest ? s->order : newest;
    }
  }
  for (i = d->base; i < d->next; i++) {
    sp1_sent *s = slot(d, i);
    if (!s->acked && s->order < newest) {
      s->lost = true;
    }
  }
  while (d->base < d->next && slot(d, d->base)->acked) {
    d->base++;
  }
  if (f->idx == 1) { /* the receiver has heard nothing for a while */
    repeat(d, now);
  }
}

/* --- which frame is next -------------------------------------------------------------------------------------------- */

static void acknowledge(sp1_device *d, bool idle, uint32_t now) {
  sp1_frame f;
  f.dir = 1;
  f.kind = SP1_ACK;
  f.id = d->id;
  f.idx = idle ? 1 : 0;
  f.last = d->last;
  f.p = d->have;
  f.n = (d->last + 8U) / 8U;
  d->ack_due = false;
  d->unsaid = 0;
  d->said = d->got;
  sp1_send_frame(d, &f, now);
}

static bool send_greeting(sp1_device *d, uint32_t now) {
  uint32_t off = (uint32_t)d->welcome_next * d->mtu, left = d->welcome_n - off;
  sp1_frame f;
  if (off >= d->welcome_n) {
    return false;
  }
  f.dir = 1;
  f.kind = SP1_WELCOME;
  f.id = (uint8_t)d->session;
  f.idx = (uint8_t)d->welcome_next;
  f.last = (uint8_t)((d->welcome_n - 1U) / d->mtu);
  f.p = d->welcome + off;
  f.n = left < d->mtu ? left : d->mtu;
  d->welcome_next++;
  sp1_send_frame(d, &f, now);
  return true;
}

static bool send_log(sp1_device *d, uint32_t now) {
  sp1_frame f;
  if (d->log_n == 0) {
    return false;
  }
  memset(&f, 0, sizeof f);
  f.dir = 1;
  f.kind = SP1_LOG;
  f.p = (const uint8_t *)d->log;
  f.n = d->log_n;
  d->log_n = 0;
  sp1_send_frame(d, &f, now);
  return true;
}

bool sp1_send_next(sp1_device *d, uint32_t now) {
  unsigned i;
  if (d->session == 0) {
    return false;
  }
  if (send_greeting(d, now) || send_log(d, now)) {
    return true;
  }
  if (d->started && !d->complete) {
    if (d->ack_due) {
      acknowledge(d, false, now);
      return true;
    }
    if (sp1_idle_due(d) && sp1_due(d->last_byte + SP1_IDLE_AFTER + sp1_wire_ms(d, 16), now)) {
      d->idle_said = true;
      acknowledge(d, true, now);
      return true;
    }
  }
  if (d->phase == SP1_RUNNING && sp1_due(d->busy_at, now)) {
    sp1_working(d);
    return true;
  }
  if (d->phase == SP1_ANSWERED && pick(d, &i)) {
    send_fragment(d, i, now);
    return true;
  }
  return false;
}
