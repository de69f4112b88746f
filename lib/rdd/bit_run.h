/*
 * A string column as bits: for every run of its strings (str_run.h) a bit for each byte, from a
 * word of its own, with a word of zeros behind the last. Bytes between the rows have no bit.
 */
#ifndef RDD_BIT_RUN_H
#define RDD_BIT_RUN_H

#include "rdd/byte_mask.h"
#include "rdd/str_run.h"

struct bit_run {
    struct str_run str;
    uint32_t word;      /* its first word */
    uint32_t words_cnt; /* the word of zeros included */
};

struct bit_runs {
    struct bit_run *run;
    uint32_t runs_cnt;
    uint32_t words_cnt;
    uint64_t *bits;
    uint32_t *before; /* room for a count before each word, for whoever counts bits by row */
};

/* bit_runs_make finds the runs of the live rows and takes room for their bits from the arena;
 * false, and ev->no_memory, when it is full. gap_min: as str_run_next. */
bool bit_runs_make(struct bit_runs *b, struct eval *ev, const struct col *c, uint32_t gap_min);
/* bit_run_clear_gaps clears the bits of the bytes that lie between rows. */
void bit_run_clear_gaps(const struct bit_runs *b, const struct bit_run *run, const struct eval *ev,
                        const struct col *c);

#endif
