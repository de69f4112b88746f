/*
 * Walking: how many records lie in these bytes, and where does the n-th end? For those who must
 * cut records between two intervals, by number, without decoding them.
 *
 * format_walk and the readers of the formats (format.h) agree on every record, the damaged ones
 * included: a run of the bytes that format_walk used offers exactly as many records as it said.
 */
#ifndef RDD_FORMAT_WALK_H
#define RDD_FORMAT_WALK_H

#include "rdd/source.h"

/*
 * format_walk walks over up to records_max whole records of bytes[0..len) and returns how many;
 * *used is their size. `last`: nothing comes behind these bytes, so their end ends a record. A
 * return of 0 (of records_max > 0) asks for more bytes; FORMAT_WALK_BYTES are always enough,
 * unless the record at bytes[0] is longer than that: too long for any reader.
 */
#define FORMAT_WALK_BYTES (2 * RECORD_BYTES_MAX)

uint32_t format_walk(const struct format *f, const uint8_t *bytes, uint32_t len, bool last,
                     uint32_t records_max, uint32_t *used);

/*
 * format_rest: a record too long to hold begins at head, and `gone` bytes of it are behind us.
 * Returns how many bytes are left of it, or FORMAT_REST_LINE: all up to the next newline and it.
 */
#define FORMAT_REST_LINE UINT64_MAX

uint64_t format_rest(const struct format *f, const uint8_t *head, uint32_t gone);

#endif
