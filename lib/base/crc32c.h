/*
 * CRC-32C (Castagnoli), the checksum of blocks on disk and on the wire.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc32c of n bytes, continued from `crc` (0 at the start). */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
