#ifndef TESTS_RDD_ROWS_MODEL_H
#define TESTS_RDD_ROWS_MODEL_H

// A state of rows beside a list of rows: (string, int) of some intervals, as a plain window, as
// groups, or as a top. Rows of the model are those of the window and of the open interval; the
// tests give them to both and compare what comes out, as text.

#include "base/strbuf.h"
#include "rdd/rows_state.h"
#include "tests/prng.h"

#define ROWS_MAX   60000u
#define BLOCK_ROWS 512u
#define SCRATCH    (32u << 20)
#define TEXT_MAX   24u
#define ROW_MAX    64u // bytes

struct model_row {
    uint64_t interval, ord;
    int64_t value;
    char key[TEXT_MAX];
};

struct rows_fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct rows_state s;
    void *mem, *scratch_mem;
    struct arena scratch;
    struct model_row *row; // of the window and of the open interval
    uint32_t rows_cnt;
    uint64_t refused; // as the model has it
    uint64_t lost_until;
};

enum rows_shape { PLAIN, GROUP, TOP };

void rows_setup(struct rows_fixture *f, enum rows_shape shape, uint64_t len, uint64_t state_bytes,
                uint64_t seed);
void rows_teardown(struct rows_fixture *f);
// rows_put writes the row as a stage does: groups and tops have the key apart. Returns its bytes.
uint32_t rows_put(uint8_t *to, const struct rows_fixture *f, const struct model_row *m);
// rows_merge_block: a block, checked and merged, step by step.
void rows_merge_block(struct rows_fixture *f, const struct block *b);
// rows_merge: the rows of the model from `from` on, in blocks and in any order.
void rows_merge(struct rows_fixture *f, uint32_t from);
void rows_end(struct rows_fixture *f);
// rows_state_text: what the state emits; rows_model_emit: what it should.
void rows_state_text(struct rows_fixture *f, struct strbuf *out);
void rows_model_emit(struct rows_fixture *f, struct strbuf *out);
// rows_forget: what leaves the window. rows_model_cut: of an interval of a top only the best rows
// are kept. rows_model_close: an interval is in as a whole or not at all.
void rows_forget(struct rows_fixture *f, uint64_t interval);
void rows_model_cut(struct rows_fixture *f, uint32_t from);
void rows_model_close(struct rows_fixture *f, uint32_t from);
// rows_by_rank: order of two model_rows, for qsort.
int rows_by_rank(const void *x, const void *y);

#endif
