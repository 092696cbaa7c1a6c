/* sp1_port's storage: one file for the record, one for each blob. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD "record"

static mode_t mode_of(unsigned slot) { return slot % SP1_BLOBS == SP1_BLOB_TUNNEL_KEY ? 0600 : 0644; }

static void name_of(unsigned slot, char out[32]) { snprintf(out, 32, "blob-%02u", slot); }

/* Opens the directory and locks it: two agents on one state would be two devices with one key. */
int store_open(box *b) {
  int lock;
  if (mkdir(b->state_dir, 0755) != 0 && errno != EEXIST) {
    return failed(b->state_dir);
  }
  b->dir = open(b->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (b->dir < 0) {
    return failed(b->state_dir);
  }
  lock = openat(b->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600); /* held until the process ends */
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return failed("state directory is in use");
  }
  return SP1_OK;
}

int store_record_load(void *ctx, uint8_t *p, size_t n, bool *found) {
  box *b = ctx;
  size_t have;
  int status = file_read(b->dir, RECORD, p, n, &have, found);
  if (status != SP1_OK) {
    return status;
  }
  return *found && have != n ? SP1_INTERNAL : SP1_OK;
}

/* --hold-ms: between what is durable and its answer, for tests that cut the power there. */
static void hold(box *b) {
  uint32_t end = box_millis(b) + (uint32_t)b->hold_ms;
  while (b->hold_ms > 0 && (int32_t)(end - box_millis(b)) > 0) {
    usleep(5000);
    sp1_working(b->device);
  }
}

int store_record_save(void *ctx, const uint8_t *p, size_t n) {
  box *b = ctx;
  int status = file_write(b->dir, RECORD, p, n, 0600);
  hold(b);
  return status;
}

int store_blob_size(void *ctx, unsigned slot, uint32_t *n) {
  box *b = ctx;
  char name[32];
  struct stat st;
  name_of(slot, name);
  *n = 0;
  if (fstatat(b->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? SP1_OK : failed(name);
  }
  *n = (uint32_t)st.st_size;
  return SP1_OK;
}

int store_blob_read(void *ctx, unsigned slot, uint32_t off, uint8_t *p, size_t n) {
  box *b = ctx;
  char name[32];
  ssize_t r;
  int fd;
  name_of(slot, name);
  fd = openat(b->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return failed(name);
  }
  r = pread(fd, p, n, (off_t)off);
  close(fd);
  return r == (ssize_t)n ? SP1_OK : SP1_INTERNAL;
}

int store_blob_append(void *ctx, unsigned slot, uint32_t off, const uint8_t *p, size_t n) {
  box *b = ctx;
  char name[32];
  ssize_t w;
  int fd;
  name_of(slot, name);
  if (off == 0) {
    return file_write(b->dir, name, p, n, mode_of(slot));
  }
  fd = openat(b->dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return failed(name);
  }
  w = pwrite(fd, p, n, (off_t)off);
  if (w != (ssize_t)n || fsync(fd) != 0) {
    int status = failed(name);
    if (ftruncate(fd, (off_t)off) != 0) { /* a piece that came half is dropped; if not, its digest will say so */
      (void)failed(name);
    }
    close(fd);
    return status;
  }
  close(fd);
  return SP1_OK;
}

int store_blob_drop(void *ctx, unsigned slot) {
  box *b = ctx;
  char name[32];
  name_of(slot, name);
  return file_drop(b->dir, name);
}

int store_blob(box *b, unsigned slot, uint8_t *p, size_t cap, size_t *n) {
  char name[32];
  bool found;
  name_of(slot, name);
  return file_read(b->dir, name, p, cap, n, &found);
}
