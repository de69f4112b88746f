/*
 * Record formats: how the runs of a block become rows. One file per format (format_text.c,
 * format_csv.c, format_binary.c, format_frames.c).
 *
 * The rules that all of them keep:
 *   - A record never straddles runs: the end of a run ends the last record.
 *   - A record that cannot be read is dropped alone, with a reason; offered = decoded + dropped.
 *   - What is dropped depends on the bytes and the schema alone, except that a field which the
 *     program does not read is not parsed: its value cannot be bad. (The number of fields and
 *     the quoting are always checked.)
 *   - Where a vector ends does not show: not in the rows, nor in their order numbers.
 */
#ifndef RDD_FORMAT_H
#define RDD_FORMAT_H

#include "rdd/source.h"

/* format_read fills `out` with the next vector and advances r; out->sel leaves out the rows that
 * were dropped for a value; records dropped before are no rows. Returns how many records it
 * stepped over, dropped ones included (0: the block is read to its end), or -ENOMEM. */
int format_read(struct source_reader *r, struct vec *out, struct arena *a);
int format_text_read(struct source_reader *r, struct vec *out, struct arena *a);
int format_csv_read(struct source_reader *r, struct vec *out, struct arena *a);
int format_binary_read(struct source_reader *r, struct vec *out, struct arena *a);
int format_frames_read(struct source_reader *r, struct vec *out, struct arena *a);

/* Helpers of the formats. */

/* format_wants: is leaf `leaf_idx` read by the program? */
static inline bool format_wants(const struct source_reader *r, uint32_t leaf_idx)
{
    return !r->want || r->want[leaf_idx];
}

/* format_run gives the bytes left of the current run and their number, stepping over runs that
 * are read; NULL at the end of the block. */
const uint8_t *format_run(struct source_reader *r, uint32_t *left);
/* format_drop counts one record as offered and dropped, and shows it. */
void format_drop(struct source_reader *r, enum record_drop why, const uint8_t *bytes, uint32_t len);
/* format_ahead: the next vector is likely to take so many bytes, behind `skip` of them from where
 * the reader stands. */
void format_ahead(struct source_reader *r, uint64_t skip, uint64_t bytes);
/* format_finish sets what every vector has (order, selection of all rows), and counts its rows as
 * offered. */
void format_finish(struct source_reader *r, struct vec *out, uint32_t rows);
/* format_string makes column c of views over base; room for VEC_ROWS_MAX rows. Returns 0 or
 * -ENOMEM. */
int format_string(struct col *c, const uint8_t *base, struct arena *a);

/* Fields of text, as csv finds them: field k of row i is the len[k][i] bytes at off[k][i] from the
 * base of the block, in rising order; of those that the program does not read both are NULL. */
struct format_rows {
    uint32_t rows;
    uint32_t *off[TYPE_PARTS_MAX], *len[TYPE_PARTS_MAX];
    uint32_t *record_off, *record_len; /* rows without their newline; NULL: nobody is shown them */
    bool quoted; /* fields may begin with a quote; they are well quoted then */
};

/* format_columns makes the wanted columns of `rows` by the schema, leaves out the rows that have
 * a bad value, and finishes the vector. Returns 0 or -ENOMEM. */
int format_columns(struct source_reader *r, struct vec *out, struct format_rows *rows,
                   struct arena *a);
/* format_select makes the selection of out: the rows that are not bad[]; the others are counted
 * and shown as RECORD_BAD_VALUE. Returns 0 or -ENOMEM. After format_finish. */
int format_select(struct source_reader *r, struct vec *out, const uint8_t *bad,
                  const struct run *record, struct arena *a);

/* format_csv_record: the bytes of the record at bytes[0], of len > 0, as the reader takes it when
 * it lies in a run; 0: more are needed to say. It looks at FORMAT_CSV_REACH bytes and no further,
 * so that what it says does not depend on how much has been read; a record that does not end
 * there is too long. `last`: nothing comes behind the bytes. */
#define FORMAT_CSV_REACH (2 * RECORD_BYTES_MAX)
uint32_t format_csv_record(const struct format *f, const uint8_t *bytes, uint32_t len, bool last);

#endif
