/*
 * The record of a run: its sealed blocks and the ends of its ticks, in the order in which they
 * came to control, as one file that can be replayed to the same bytes.
 *
 * File: entries one after the other, each a header of 64 bytes (rdd/block.h), little-endian.
 *
 *   block    kind RUNS or PACKETS; body of hdr.bytes bytes: the index, rows x 8 or 48 bytes, with
 *            offsets from the first byte behind the index; then the bytes of the rows, densely.
 *            hdr.interval is the tick; hdr.id and hdr.schema_hash as in memory.
 *   mark     kind RECORD_MARK, no body; hdr.flags says which: every queue has closed tick
 *            hdr.interval; ticks up to it are skipped; or the run ended there (hdr.id.a is the
 *            first tick that was cut short, UINT64_MAX if none)
 *   begin    the first entry: hdr.interval is the first tick, hdr.id.a the length of a tick in ns,
 *            hdr.id.b the number of streams, hdr.schema_hash a hash over all their types
 *
 * Valid are the entries up to the first whose magic, version or crc32c is wrong: (1) magic and
 * version; (2) crc32c over the header with its own field 0, then the body.
 *
 * This file is pure: it makes and reads bytes; who keeps them is dpdk-app/recorder.h.
 */
#ifndef CKPT_RECORD_H
#define CKPT_RECORD_H

#include <stdbool.h>

#include "rdd/block.h"

#define RECORD_MARK     64u
#define RECORD_BODY_MAX (2 * PAGE_BYTES)

enum record_mark { RECORD_BEGIN = 1, RECORD_CLOSED, RECORD_SKIP, RECORD_END };

/* record_block_bytes: the body of an input block as it is written. */
uint64_t record_block_bytes(const struct block *b);
/* record_block writes header and body of an input block to `to` (64 + record_block_bytes). */
void record_block(uint8_t *to, const struct block *b, uint64_t tick);
/* record_mark writes a mark, 64 bytes. */
void record_mark(uint8_t *to, enum record_mark mark, uint64_t tick, uint64_t a, uint64_t b,
                 uint64_t hash);

/* record_header reads a header: 0, or -EINVAL when it is none. */
int record_header(struct block_hdr *h, const uint8_t bytes[64]);
/* record_check: does the body belong to the header, and does every row lie inside it? */
bool record_check(const struct block_hdr *h, const uint8_t *body);
/* record_index_bytes: where the bytes of the rows begin in the body. */
uint64_t record_index_bytes(const struct block_hdr *h);

#endif
