/* Text that the test programs read: hex, and the vector files of ../../testdata/vectors. */
#ifndef TEXT_H
#define TEXT_H

#include "../sp1_internal.h"

#define TEXT_MOST 65536

/* Hex with or without spaces. False: something else, or more than cap bytes. */
bool text_unhex(const char *s, uint8_t *out, size_t cap, size_t *n);
void text_puthex(const uint8_t *p, size_t n);
/* Whether a receiver of SP1 takes these bytes for a message of the type, by its Go name; -1 for a type that a device never receives. */
int text_accepts(const char *type, sp1_bytes m);
/* Reads with the reader and writes with the writer what it read; 0: it does not fit. */
size_t text_reencode(sp1_bytes m, uint8_t *out, size_t cap);

#endif
