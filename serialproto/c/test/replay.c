/* Runs the fuzz target without libFuzzer: over files, or over standard input of records (length in 4 bytes, little endian). */
#include "../sp1_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint8_t data[1U << 20];

static void one(size_t n) {
  uint8_t *exact = malloc(n > 0 ? n : 1);
  if (exact == NULL) {
    abort();
  }
  memcpy(exact, data, n);
  (void)LLVMFuzzerTestOneInput(exact, n);
  free(exact);
}

int main(int argc, char **argv) {
  unsigned long runs = 0;
  uint8_t head[4];
  int i;
  for (i = 1; i < argc; i++) {
    FILE *f = fopen(argv[i], "rb");
    if (f == NULL) {
      perror(argv[i]);
      return 1;
    }
    one(fread(data, 1, sizeof data, f));
    fclose(f);
    runs++;
  }
  while (argc == 1 && fread(head, 1, sizeof head, stdin) == sizeof head) {
    uint32_t n = sp1_get32(head);
    if (n > sizeof data || fread(data, 1, n, stdin) != n) {
      fputs("sp1-replay: a record that is cut off\n", stderr);
      return 1;
    }
    one(n);
    runs++;
  }
  printf("%lu inputs\n", runs);
  return 0;
}
