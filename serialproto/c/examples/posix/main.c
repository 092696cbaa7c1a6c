/*
 * A device that a station can provision, for any POSIX system with a tty: sp1 with files and mbed TLS. It is the example
 * of how the library is used, and it is what the tests of this folder drive.
 */
#include "posix.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void on_signal(int s) {
  (void)s;
  stopped = 1;
}

static int usage(void) {
  fputs(
      "usage: sp1-posix --tty PATH --state-dir DIR --serial SN [options]\n"
      "  --model M --firmware V   what the device says of itself\n"
      "  --baud N                 speed of the tty; 0 (default): a pty or USB, as fast as it goes.\n"
      "                           One of ",
      stderr);
  tty_list_speeds(stderr);
  fputs(
      "\n"
      "  --mtu N --window N       frame payload (32..246, default 246) and frames in flight (1..8, default 1)\n"
      "  --max-msg N              message buffer, 1024..32768 (default 4096)\n"
      "  --reenroll never|open    new keys once sealed (default never)\n"
      "  --no-tunnel              no WireGuard key, and no wg0.conf taken\n"
      "  --own-clock              a clock that the station may set (of this process, not of the system)\n"
      "  --reboot                 REBOOT is allowed: the process starts over\n"
      "  --work-ms N --hold-ms N  for tests: how long a key takes; how long an answer waits after what it promises is durable\n",
      stderr);
  return 2;
}

static bool number(const char *s, unsigned long least, unsigned long most, unsigned long *v) {
  char *end;
  errno = 0;
  *v = strtoul(s, &end, 10);
  return errno == 0 && *s >= '0' && *s <= '9' && *end == 0 && *v >= least && *v <= most;
}

static bool take_value(box *b, const char *name, const char *v) {
  if (strcmp(name, "--tty") == 0) {
    b->tty = v;
  } else if (strcmp(name, "--state-dir") == 0) {
    b->state_dir = v;
  } else if (strcmp(name, "--serial") == 0) {
    b->serial = v;
  } else if (strcmp(name, "--model") == 0) {
    b->model = v;
  } else if (strcmp(name, "--firmware") == 0) {
    b->firmware = v;
  } else if (strcmp(name, "--baud") == 0) {
    if (!number(v, 0, UINT32_MAX, &b->baud) || !tty_speed(b->baud)) {
      fprintf(stderr, "sp1-posix: --baud %.20s: a tty of this system has no such speed\n", v);
      return false;
    }
  } else if (strcmp(name, "--mtu") == 0) {
    return number(v, SP1_LEAST_MTU, SP1_MAX_PAYLOAD, &b->mtu);
  } else if (strcmp(name, "--window") == 0) {
    return number(v, 1, SP1_WINDOW_MAX, &b->window);
  } else if (strcmp(name, "--max-msg") == 0) {
    return number(v, SP1_LEAST_MESSAGE, 32768, &b->max_msg);
  } else if (strcmp(name, "--reenroll") == 0) {
    b->reenroll_open = strcmp(v, "open") == 0;
    return b->reenroll_open || strcmp(v, "never") == 0;
  } else if (strcmp(name, "--work-ms") == 0) {
    return number(v, 0, 600000, &b->work_ms);
  } else if (strcmp(name, "--hold-ms") == 0) {
    return number(v, 0, 600000, &b->hold_ms);
  } else {
    return false;
  }
  return true;
}

static bool options(box *b, int argc, char **argv) {
  int i;
  b->model = "sp1-posix";
  b->firmware = "1.0";
  b->mtu = SP1_MAX_PAYLOAD;
  b->window = 1;
  b->max_msg = 4096;
  for (i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--no-tunnel") == 0) {
      b->no_tunnel = true;
    } else if (strcmp(argv[i], "--own-clock") == 0) {
      b->own_clock = true;
    } else if (strcmp(argv[i], "--reboot") == 0) {
      b->may_reboot = true;
    } else if (i + 1 == argc || !take_value(b, argv[i], argv[i + 1])) {
      return false;
    } else {
      i++;
    }
  }
  return b->tty != NULL && b->state_dir != NULL && b->serial != NULL;
}

static int64_t system_now(void) {
  struct timespec t;
  return clock_gettime(CLOCK_REALTIME, &t) == 0 ? (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 : 0;
}

static int64_t clock_get(void *ctx) {
  const box *b = ctx;
  return system_now() + b->clock_off;
}

static int clock_set(void *ctx, int64_t now) {
  box *b = ctx;
  b->clock_off = now - system_now();
  return SP1_OK;
}

static void reboot(void *ctx) {
  box *b = ctx;
  b->reboot = true;
}

static void fill_port(box *b) {
  sp1_port *p = &b->port;
  p->ctx = b;
  p->write = tty_write;
  p->millis = box_millis;
  p->random = keys_random;
  p->key_make = keys_make;
  p->key_csr = keys_csr;
  p->key_spki = keys_spki;
  p->key_sign = keys_sign;
  p->key_drop = keys_drop;
  p->tunnel_make = b->no_tunnel ? NULL : keys_tunnel_make;
  p->stop = keys_stop;
  p->record_load = store_record_load;
  p->record_save = store_record_save;
  p->blob_size = store_blob_size;
  p->blob_read = store_blob_read;
  p->blob_append = store_blob_append;
  p->blob_drop = store_blob_drop;
  p->check = check_bundle;
  p->publish = publish_files;
  p->clock_get = clock_get;
  p->clock_set = b->own_clock ? clock_set : NULL;
  p->reboot = b->may_reboot ? reboot : NULL;
}

static int start(box *b, sp1_device *d, uint8_t *message) {
  sp1_config c;
  int status;
  memset(&c, 0, sizeof c);
  c.port = &b->port;
  c.model = b->model;
  c.serial = b->serial;
  c.firmware = b->firmware;
  c.message = message;
  c.message_size = b->max_msg;
  c.mtu = (uint16_t)b->mtu;
  c.window = (uint8_t)b->window;
  c.baud = (uint32_t)b->baud;
  c.key_store = SP1_FLASH;
  c.reenroll = b->reenroll_open ? SP1_REENROLL_OPEN : SP1_REENROLL_NEVER;
  b->device = d;
  b->reboot = false;
  status = sp1_init(d, &c);
  if (status != SP1_OK) {
    fprintf(stderr, "sp1-posix: cannot start: status %d (state damaged, or an option out of its bounds)\n", status);
  }
  return status;
}

/* One round: what came goes in, what is due goes out. */
static void turn(box *b, sp1_device *d) {
  uint8_t in[1024];
  struct pollfd f = {b->fd, POLLIN, 0};
  uint32_t wait = sp1_poll(d);
  ssize_t n;
  if (b->line_lost || poll(&f, 1, (int)wait) < 0) {
    return;
  }
  if ((f.revents & (POLLIN | POLLHUP | POLLERR)) == 0) {
    return;
  }
  n = read(b->fd, in, sizeof in);
  if (n > 0) {
    sp1_input(d, in, (size_t)n);
  } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
    b->line_lost = true;
  } else if (n == 0 && (f.revents & (POLLHUP | POLLERR)) != 0) {
    b->line_lost = true;
  }
}

int main(int argc, char **argv) {
  static box b;
  static sp1_device device;
  static uint8_t message[32768];
  struct sigaction sa;
  if (!options(&b, argc, argv)) {
    return usage();
  }
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_signal;
  (void)sigaction(SIGTERM, &sa, NULL);
  (void)sigaction(SIGINT, &sa, NULL);
  b.fd = -1;
  fill_port(&b);
  if (store_open(&b) != SP1_OK || keys_open(&b) != SP1_OK || start(&b, &device, message) != SP1_OK) {
    return 1;
  }
  while (!stopped) {
    if (b.fd < 0) {
      if (tty_open(&b) != 0) {
        (void)poll(NULL, 0, 200); /* a line that is not there yet, or is gone, may come */
        continue;
      }
      fprintf(stderr, "sp1-posix: line open\n");
      sp1_line_opened(&device);
    }
    turn(&b, &device);
    if (b.line_lost) {
      fprintf(stderr, "sp1-posix: line lost\n");
      tty_close(&b);
    }
    if (b.reboot && start(&b, &device, message) != SP1_OK) {
      return 1;
    }
  }
  sp1_close(&device);
  tty_close(&b);
  return 0;
}
