/* Files that survive a power cut: the old one or the new one, never half of one. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Says what failed, and gives the status for the station: what is wrong in here is not its business. */
int failed(const char *what) {
  int status = errno == ENOSPC || errno == EDQUOT ? SP1_NO_SPACE : SP1_INTERNAL;
  fprintf(stderr, "sp1-posix: %s: %s\n", what, strerror(errno));
  return status;
}

int dir_sync(int dir) { return fsync(dir) == 0 ? SP1_OK : failed("sync directory"); }

static int write_all(int fd, const uint8_t *p, size_t n) {
  while (n > 0) {
    ssize_t w = write(fd, p, n);
    if (w < 0 && errno == EINTR) {
      continue;
    }
    if (w <= 0) {
      return -1;
    }
    p += w;
    n -= (size_t)w;
  }
  return 0;
}

int file_write(int dir, const char *name, const uint8_t *p, size_t n, mode_t mode) {
  char tmp[64];
  int fd;
  if (snprintf(tmp, sizeof tmp, "%s.new", name) >= (int)sizeof tmp) {
    return SP1_INTERNAL;
  }
  (void)unlinkat(dir, tmp, 0);
  fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) {
    return failed(tmp);
  }
  if (fchmod(fd, mode) != 0 || write_all(fd, p, n) != 0 || fsync(fd) != 0) {
    int status = failed(tmp);
    close(fd);
    (void)unlinkat(dir, tmp, 0);
    return status;
  }
  if (close(fd) != 0 || renameat(dir, tmp, dir, name) != 0) {
    return failed(name);
  }
  return dir_sync(dir);
}

int file_read(int dir, const char *name, uint8_t *p, size_t cap, size_t *n, bool *found) {
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  *n = 0;
  *found = fd >= 0;
  if (fd < 0) {
    return errno == ENOENT ? SP1_OK : failed(name);
  }
  for (;;) {
    uint8_t more;
    ssize_t r = *n < cap ? read(fd, p + *n, cap - *n) : read(fd, &more, 1);
    if (r < 0 && errno == EINTR) {
      continue;
    }
    if (r < 0 || (r > 0 && *n == cap)) {
      int status = r < 0 ? failed(name) : SP1_INTERNAL;
      close(fd);
      return status;
    }
    if (r == 0) {
      close(fd);
      return SP1_OK;
    }
    *n += (size_t)r;
  }
}

int file_drop(int dir, const char *name) {
  if (unlinkat(dir, name, 0) == 0) {
    return dir_sync(dir);
  }
  return errno == ENOENT ? SP1_OK : failed(name);
}
