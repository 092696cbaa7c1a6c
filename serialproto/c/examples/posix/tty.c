/* The line: a tty in raw mode, locked, never blocking for long. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

uint32_t box_millis(void *ctx) {
  struct timespec t;
  (void)ctx;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint32_t)((uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U);
}

static const struct {
  unsigned long baud;
  speed_t speed;
} speeds[] = {
    {1200, B1200}, {2400, B2400}, {4800, B4800}, {9600, B9600}, {19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200},
    {230400, B230400},
#ifdef B460800
    {460800, B460800},
#endif
#ifdef B500000
    {500000, B500000},
#endif
#ifdef B576000
    {576000, B576000},
#endif
#ifdef B921600
    {921600, B921600},
#endif
#ifdef B1000000
    {1000000, B1000000},
#endif
#ifdef B1152000
    {1152000, B1152000},
#endif
#ifdef B1500000
    {1500000, B1500000},
#endif
#ifdef B2000000
    {2000000, B2000000},
#endif
#ifdef B2500000
    {2500000, B2500000},
#endif
#ifdef B3000000
    {3000000, B3000000},
#endif
#ifdef B3500000
    {3500000, B3500000},
#endif
#ifdef B4000000
    {4000000, B4000000},
#endif
};

#define SPEEDS (sizeof speeds / sizeof speeds[0])

/* Of no speed, a pty's or USB's, it is any: B0 would hang up. False: this system has no such speed. */
static bool speed_of(unsigned long baud, speed_t *speed) {
  size_t i;
  *speed = B115200;
  for (i = 0; i < SPEEDS && baud != 0; i++) {
    if (speeds[i].baud == baud) {
      *speed = speeds[i].speed;
      return true;
    }
  }
  return baud == 0;
}

bool tty_speed(unsigned long baud) {
  speed_t speed;
  return speed_of(baud, &speed);
}

void tty_list_speeds(FILE *to) {
  size_t i;
  for (i = 0; i < SPEEDS; i++) {
    fprintf(to, "%s%lu", i == 0 ? "" : i % 10 == 0 ? ",\n                           " : ", ", speeds[i].baud);
  }
}

static int set_raw(int fd, unsigned long baud) {
  struct termios t;
  speed_t speed;
  if (!speed_of(baud, &speed)) {
    errno = EINVAL;
    return -1;
  }
  if (tcgetattr(fd, &t) != 0) {
    return -1;
  }
  t.c_iflag = IGNPAR; /* a BREAK reads as 00, which is one more delimiter */
  t.c_oflag = 0;
  t.c_lflag = 0;
  t.c_cflag = CS8 | CREAD | CLOCAL;
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 0;
  if (cfsetispeed(&t, speed) != 0 || cfsetospeed(&t, speed) != 0) {
    return -1;
  }
  return tcsetattr(fd, TCSANOW, &t);
}

int tty_open(box *b) {
  b->fd = open(b->tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (b->fd < 0) {
    return -1;
  }
  if (flock(b->fd, LOCK_EX | LOCK_NB) != 0 || set_raw(b->fd, b->baud) != 0) {
    (void)failed(b->tty);
    tty_close(b);
    return -1;
  }
  (void)tcflush(b->fd, TCIFLUSH); /* what came for whoever had the line before */
  b->line_lost = false;
  return 0;
}

void tty_close(box *b) {
  if (b->fd >= 0) {
    close(b->fd);
  }
  b->fd = -1;
}

/* Waits for room, but not for ever: nobody may be listening. */
void tty_write(void *ctx, const uint8_t *p, size_t n) {
  box *b = ctx;
  uint32_t end = box_millis(b) + 1000U + (b->baud != 0 ? (uint32_t)(SP1_MAX_WIRE * 40000UL / b->baud) : 0U);
  while (n > 0 && b->fd >= 0 && !b->line_lost) {
    ssize_t w = write(b->fd, p, n);
    if (w > 0) {
      p += w;
      n -= (size_t)w;
    } else if (w < 0 && errno == EAGAIN && (int32_t)(end - box_millis(b)) > 0) {
      struct pollfd f = {b->fd, POLLOUT, 0};
      (void)poll(&f, 1, 20);
    } else if (w < 0 && errno == EINTR) {
      continue;
    } else {
      b->line_lost = w < 0 && errno != EAGAIN;
      return;
    }
  }
}
