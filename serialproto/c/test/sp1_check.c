/*
 * Answers questions about bytes, a line each, so that another implementation can be compared:
 *
 *     message TYPE HEX      ok or no
 *     frame SESSION HEX     what is in the segment between two delimiters: "DIR KIND ID IDX LAST HEX", or no
 *     cobs HEX              decoded HEX, or no
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void frame(const char *session, uint8_t *p, size_t n) {
  sp1_frame f;
  if (!sp1_frame_decode(p, n, (uint32_t)strtoul(session, NULL, 0), &f)) {
    puts("no");
    return;
  }
  printf("%u %u %u %u %u ", f.dir, f.kind, f.id, f.idx, f.last);
  text_puthex(f.p, f.n);
  putchar('\n');
}

static bool answer(char *line, uint8_t *bytes) {
  char *what = strtok(line, " \n"), *arg = what == NULL || strcmp(what, "cobs") == 0 ? NULL : strtok(NULL, " \n");
  char *hex = strtok(NULL, "\n");
  sp1_bytes m;
  uint8_t *exact;
  size_t n;
  if (what == NULL || !text_unhex(hex == NULL ? "" : hex, bytes, TEXT_MOST, &m.n)) {
    return false;
  }
  exact = malloc(m.n > 0 ? m.n : 1); /* of just this size, so that a sanitizer sees a read beyond it */
  if (exact == NULL) {
    return false;
  }
  memcpy(exact, bytes, m.n);
  m.p = exact;
  if (strcmp(what, "message") == 0 && arg != NULL) {
    puts(text_accepts(arg, m) > 0 ? "ok" : "no");
  } else if (strcmp(what, "frame") == 0 && arg != NULL) {
    frame(arg, exact, m.n);
  } else if (strcmp(what, "cobs") == 0) {
    if (sp1_cobs_decode(exact, m.n, &n)) {
      text_puthex(exact, n);
      putchar('\n');
    } else {
      puts("no");
    }
  } else {
    free(exact);
    return false;
  }
  free(exact);
  return true;
}

int main(void) {
  static char line[4 * TEXT_MOST];
  static uint8_t bytes[TEXT_MOST];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (!answer(line, bytes)) {
      fputs("sp1-check: a line that asks nothing\n", stderr);
      return 2;
    }
  }
  return 0;
}
