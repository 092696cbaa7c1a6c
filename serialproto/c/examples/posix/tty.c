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
    {230400, B230400}, {460800, B460800}, {921600, B921600},
};

static int set_raw(int fd, unsigned long baud) {
  struct termios t;
  size_t i;
  if (tcgetattr(fd, &t) != 0) {
    return -1;
  }
  t.c_iflag = IGNPAR; /* a BREAK reads as 00, which is one more delimiter */
  t.c_oflag = 0;
  t.c_lflag = 0;
  t.c_cflag = CS8 | CREAD | CLOCAL;
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 0;
  for (i = 0; baud != 0 && i < sizeof speeds / sizeof speeds[0]; i++) {
    if (speeds[i].baud == baud && (cfsetispeed(&t, speeds[i].speed) != 0 || cfsetospeed(&t, speeds[i].speed) != 0)) {
      return -1;
    }
  }
  if (baud == 0 && (cfsetispeed(&t, B115200) != 0 || cfsetospeed(&t, B115200) != 0)) { /* B0 would hang up */
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
