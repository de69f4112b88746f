// The writer of a top: of all rows that came, the best leave, whether they fit its buffer or must
// leave in parts; the same rows in any order are the same bytes.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/rows_writer.h"
#include "tests/common/writer_rig.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ROWS_MAX 40000u
#define SCRATCH  (8u << 20)

struct naive_row {
    int64_t value;
    uint8_t key[64];
    uint32_t len, bytes; // its key is its first `len` bytes, filled up to `bytes` with 'x'
};

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct writer_rig rig;
    struct naive_row row[ROWS_MAX];
    uint32_t rows;
};

static struct fixture *setup(uint64_t seed, uint32_t top, const struct type *value)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->prng = prng_of(seed);
    const struct type *pair =
        type_tuple(&f->zone, (const struct type *const[]){&type_string, value}, 2);
    f->x = (struct exchange){.kind = EX_ROWS, .top_cnt = top, .type = pair, .partitions = 1};
    writer_rig_open(
        &f->rig,
        &(struct pnode){.kind = PN_WRITE_ROWS, .from = pair, .type = pair, .exchange = &f->x},
        SCRATCH);
    return f;
}

static void teardown(struct fixture *f)
{
    writer_rig_close(&f->rig);
    zone_free(&f->zone);
    free(f);
}

static void make_rows(struct fixture *f, uint32_t rows, uint32_t values, uint32_t bytes_max)
{
    f->rows = rows;
    for (uint32_t i = 0; i < rows; i++) {
        struct naive_row *r = &f->row[i];
        r->value = prng_between(&f->prng, -(int64_t)values, values);
        r->len = (uint32_t)snprintf((char *)r->key, sizeof r->key, "%llu/%u",
                                    (unsigned long long)prng_below(&f->prng, 1000), i);
        r->bytes = r->len + (uint32_t)prng_below(&f->prng, bytes_max);
    }
}

static void mix(struct fixture *f)
{
    for (uint32_t i = f->rows; i-- > 1;) {
        uint32_t k = (uint32_t)prng_below(&f->prng, i + 1);
        struct naive_row r = f->row[i];
        f->row[i] = f->row[k];
        f->row[k] = r;
    }
}

// All rows through the writer, in vectors; a float is the int.
static void push_all(struct fixture *f)
{
    for (uint32_t at = 0; at < f->rows;) {
        uint32_t n = 1 + (uint32_t)prng_below(&f->prng, VEC_ROWS_MAX);
        struct col col[2];
        struct vec v = {.col = col, .cols_cnt = 2};
        size_t bytes = 0;
        n = f->rows - at < n ? f->rows - at : n;
        v.rows = v.sel_cnt = n;
        arena_reset(&f->rig.scratch);
        col_alloc(&col[0], TYPE_STRING, n, &f->rig.scratch);
        col_alloc(&col[1], f->rig.w.row_value->kind, n, &f->rig.scratch);
        for (uint32_t i = 0; i < n; i++)
            bytes += f->row[at + i].bytes;
        uint8_t *text = arena_alloc(&f->rig.scratch, bytes);
        col[0].s.base = text;
        memset(text, 'x', bytes);
        for (uint32_t i = 0, off = 0; i < n; off += f->row[at + i++].bytes) {
            memcpy(text + off, f->row[at + i].key, f->row[at + i].len);
            col[0].s.off[i] = off;
            col[0].s.len[i] = f->row[at + i].bytes;
            if (col[1].kind == TYPE_FLOAT)
                col[1].f[i] = (double)f->row[at + i].value;
            else
                col[1].i[i] = f->row[at + i].value;
        }
        stage_writer_push(&f->rig.w, &v, f->rig.out, &f->rig.scratch);
        at += n;
    }
    stage_writer_flush(&f->rig.w, f->rig.out);
}

static int by_rank(const void *a, const void *b)
{
    const struct naive_row *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return enc_cmp(x->key, x->len, y->key, y->len);
}

static int hdr_by_rank(const void *a, const void *b)
{
    return rows_cmp_rank(*(const struct row_hdr *const *)a, *(const struct row_hdr *const *)b);
}

// The rows of all blocks, best first; returns how many.
static uint32_t gather(const struct fixture *f, const struct row_hdr **row)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->rig.out->made_cnt; i++) {
        const struct block *b = f->rig.out->made[i].block;
        const struct row_hdr *h = (const struct row_hdr *)(const void *)b->base;
        for (uint32_t k = 0; k < b->hdr.rows; k++, h = row_next(h))
            row[n++] = h;
    }
    qsort(row, n, sizeof *row, hdr_by_rank);
    return n;
}

static void release(struct fixture *f)
{
    for (uint32_t i = 0; i < f->rig.out->made_cnt; i++)
        engine_mem_release(f->rig.mem, f->rig.out->made[i].block);
    f->rig.out->made_cnt = 0;
}

static void check_best(struct fixture *f)
{
    const struct row_hdr **row = calloc(f->rows, sizeof *row);
    uint32_t n = gather(f, row), best = f->rows, bad = 0;

    best = best < f->x.top_cnt ? best : (uint32_t)f->x.top_cnt;
    EXPECT(n >= best);
    if (f->rig.out->made_cnt == 1)
        EXPECT_EQ_INT(n, best);
    qsort(f->row, f->rows, sizeof f->row[0], by_rank);
    for (uint32_t i = 0; i < best && i < n; i++)
        bad += row[i]->key_bytes != f->row[i].bytes ||
               memcmp(row_key(row[i]), f->row[i].key, f->row[i].len) != 0;
    EXPECT_EQ_INT(bad, 0);
    free(row);
}

static const struct {
    uint32_t top, rows, values, bytes;
    bool one_block;
} cases[] = {
    {1, 1, 5, 1, true},
    {20, 7, 5, 1, true},
    {20, 30000, 100000, 9, true},
    {20, 30000, 2, 9, true},
    {20, 5000, 1000, 4000, true},   // sweeps
    {700, 5000, 1000, 5000, false}, // and leaves in parts
    {9000, 40000, 100000, 30, true},
    {100000, 40000, 100, 60, false},
};

TEST(rows_writer, gives_the_best)
{
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint32_t is_float = 0; is_float < 2; is_float++) {
            struct fixture *f =
                setup(prng_seed(1) + i, cases[i].top, is_float ? &type_float : &type_int);
            make_rows(f, cases[i].rows, cases[i].values, cases[i].bytes);
            push_all(f);
            EXPECT_EQ_INT(f->rig.out->made_cnt == 1, cases[i].one_block);
            check_best(f);
            EXPECT_EQ_INT(f->rig.out->refused + f->rig.out->too_long, 0);
            release(f);
            teardown(f);
        }
}

TEST(rows_writer, same_rows_are_the_same_bytes)
{
    struct fixture *f = setup(prng_seed(1), 50, &type_int);
    uint8_t *was;

    make_rows(f, 20000, 30, 200);
    push_all(f);
    uint32_t bytes = f->rig.out->made[0].block->hdr.bytes;
    was = malloc(bytes);
    memcpy(was, f->rig.out->made[0].block->base, bytes);
    release(f);
    for (uint32_t i = 0; i < 3; i++) {
        mix(f);
        push_all(f);
        EXPECT_EQ_INT(f->rig.out->made_cnt, 1);
        EXPECT_EQ_INT(f->rig.out->made[0].block->hdr.bytes, bytes);
        EXPECT_EQ_MEM(f->rig.out->made[0].block->base, was, bytes);
        release(f);
    }
    free(was);
    teardown(f);
}
