// States of rows against a list of rows: windows, wraps of the ring, groups, tops, intervals that
// do not fit; in any order of coming, from any number of tasks, and in bounded steps.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rdd/rows_model.h"
#include "tests/test.h"

static void one_interval(struct rows_fixture *f, uint64_t n, uint32_t rows, uint32_t keys)
{
    struct strbuf is = {0}, expected = {0};

    rows_forget(f, n);
    uint32_t from = f->rows_cnt;
    rows_state_begin(&f->s, n);
    for (uint32_t i = 0; i < rows; i++) {
        struct model_row *m = &f->row[f->rows_cnt++];
        uint64_t k = prng_below(&f->prng, keys);
        *m = (struct model_row){n, i, prng_between(&f->prng, -50, 50), ""};
        if (k)
            snprintf(m->key, sizeof m->key, "%.*s%llu", (int)(k % 13), "abcdefghijklm",
                     (unsigned long long)k);
    }
    rows_merge(f, from);
    rows_model_close(f, from);
    rows_end(f);
    EXPECT_EQ_INT(f->s.refused, f->refused);
    EXPECT_EQ_INT(rows_state_complete(&f->s), n >= f->lost_until);
    rows_model_emit(f, &expected);
    rows_state_text(f, &is);
    EXPECT_EQ_STR(is.s ? is.s : "", expected.s ? expected.s : "");
    strbuf_release(&is);
    strbuf_release(&expected);
}

static void check(enum rows_shape shape, uint64_t len, uint64_t state_bytes, uint32_t rows,
                  uint32_t keys)
{
    struct rows_fixture f;

    rows_setup(&f, shape, len, state_bytes, prng_seed(1) + len * 7 + rows + shape);
    for (uint64_t n = 5; n < 45; n++)
        one_interval(&f, n, (uint32_t)prng_below(&f.prng, rows + 1), keys);
    rows_teardown(&f);
}

TEST(rows_state, keeps_a_window)
{
    for (int shape = PLAIN; shape <= TOP; shape++)
        for (uint64_t len = 1; len < 6; len++)
            check((enum rows_shape)shape, len, 1u << 20, 300, 20);
}

TEST(rows_state, wraps_and_refuses_whole_intervals)
{
    for (int shape = PLAIN; shape <= TOP; shape++)
        for (uint64_t len = 1; len < 6; len++) {
            check((enum rows_shape)shape, len, 65536, 700, 30);
            check((enum rows_shape)shape, len, 65536 + 64 * len, 2400 / (uint32_t)len, 30);
        }
}

// What a top walks over does not grow with the intervals that went by, though there is room.
TEST(rows_state, a_top_leaves_little_behind)
{
    for (uint64_t len = 1; len < 6; len++) {
        struct rows_fixture f;

        rows_setup(&f, TOP, len, 8u << 20, prng_seed(1) + len);
        for (uint64_t n = 0; n < 1500; n++) {
            one_interval(&f, n, 40, 1000);
            EXPECT(f.s.tail <= 4 * f.s.live_bytes + 65536 + 40 * ROW_MAX);
            EXPECT(len > 1 || f.s.tail <= 40 * ROW_MAX);
        }
        rows_teardown(&f);
    }
}

TEST(rows_state, groups_are_longer_than_a_vector)
{
    check(GROUP, 3, 4u << 20, 9000, 3);
    check(GROUP, 2, 4u << 20, 9000, 5000);
    check(TOP, 2, 4u << 20, 9000, 5000);
    check(PLAIN, 2, 4u << 20, 9000, 5000);
}

static void merge_shortest(struct rows_fixture *f, const uint8_t *body, uint32_t rows)
{
    struct block b = {.hdr = {.rows = rows, .bytes = rows * (uint32_t)sizeof(struct row_hdr)},
                      .base = body};

    rows_merge_block(f, &b);
}

// Rows without key and value are the shortest there are: the index must hold as many as the ring.
TEST(rows_state, full_of_the_shortest_rows)
{
    struct rows_fixture f;
    uint8_t *body = calloc(BLOCK_ROWS, sizeof(struct row_hdr));
    uint32_t cursor = 0, rows = 0;
    struct col col[4];
    struct vec v = {.col = col};
    int n;

    rows_setup(&f, PLAIN, 3, 71680, 1);
    f.x.type = &type_string;
    for (uint64_t i = 0; i < 9; i++) {
        rows_state_begin(&f.s, i);
        merge_shortest(&f, body, BLOCK_ROWS);
        merge_shortest(&f, body, i % 3 == 2 ? 400 : 0);
        rows_end(&f);
        EXPECT(rows_state_complete(&f.s));
    }
    while ((n = rows_state_emit(&f.s, &cursor, &v, &f.scratch)) > 0)
        rows += v.rows;
    EXPECT_EQ_INT(rows, 3 * BLOCK_ROWS + 400);
    rows_teardown(&f);
    free(body);
}

// A list that the scratch does not hold is left out, and the result says so; others stay.
TEST(rows_state, a_list_beyond_the_scratch)
{
    struct rows_fixture f;

    rows_setup(&f, GROUP, 1, 4u << 20, 1);
    rows_state_begin(&f.s, 0);
    for (uint32_t i = 0; i < 20000; i++)
        f.row[f.rows_cnt++] = (struct model_row){0, i, (int64_t)i, "long"};
    f.row[f.rows_cnt++] = (struct model_row){0, 20000, 1, "a"};
    f.row[f.rows_cnt++] = (struct model_row){0, 20001, 2, "z"};
    rows_merge(&f, 0);
    rows_end(&f);
    f.scratch.bytes = 128u << 10;
    struct strbuf out = {0};
    rows_state_text(&f, &out);
    EXPECT_EQ_STR(out.s, "a: 1\nz: 2");
    EXPECT_EQ_INT(f.s.too_long, 20000);
    EXPECT(!rows_state_complete(&f.s));
    rows_state_begin(&f.s, 1);
    rows_end(&f);
    EXPECT(rows_state_complete(&f.s));
    strbuf_release(&out);
    rows_teardown(&f);
}

// ---- steps ----

// How far a step of sorting went.
static uint32_t sorted_rows(const struct rows_state *was, const struct rows_state *is)
{
    bool sorting = was->phase == ROWS_SORTING || was->phase == ROWS_RANKING;
    uint32_t end = is->sort.at > was->sort.at ? is->sort.at : is->sort.n;

    return sorting ? end - was->sort.at : 0;
}

// However much there is, a step takes a bounded piece of it.
static void check_steps(enum rows_shape shape)
{
    enum { TOP_ROWS = 12000 };
    struct rows_fixture f;
    struct col col[4];
    struct vec v = {.col = col};
    uint32_t cursor = 0, steps = 0, rows = 0;

    rows_setup(&f, shape, 1, shape == TOP ? 1u << 20 : 8u << 20, 1); // a top sweeps its region
    f.x.top_cnt = shape == TOP ? TOP_ROWS : 0;
    rows_state_begin(&f.s, 0);
    for (uint32_t i = 0; i < ROWS_MAX; i++)
        f.row[f.rows_cnt++] = (struct model_row){0, i, prng_between(&f.prng, 0, 1 << 30), "k"};
    rows_merge(&f, 0);
    rows_state_end(&f.s);
    for (bool more = true; more; steps++) {
        struct rows_state was = f.s;
        more = rows_state_step(&f.s);
        EXPECT(f.s.idx_cnt - was.idx_cnt <= VEC_ROWS_MAX);
        EXPECT(sorted_rows(&was, &f.s) <= SORT_PIECE);
        EXPECT(f.s.at - was.at <= VEC_ROWS_MAX);
    }
    EXPECT(shape == TOP || steps > 3 * ROWS_MAX / VEC_ROWS_MAX);
    for (int n = 1; n > 0;) {
        struct rows_state was = f.s;
        uint32_t from = cursor;
        arena_reset(&f.scratch);
        n = rows_state_emit(&f.s, &cursor, &v, &f.scratch);
        if (was.phase <= ROWS_GATHERING)
            EXPECT(f.s.idx_cnt - (was.phase == ROWS_CLOSED ? 0 : was.idx_cnt) <= VEC_ROWS_MAX);
        EXPECT(sorted_rows(&was, &f.s) <= SORT_PIECE);
        EXPECT(cursor - from <= (shape == GROUP ? ROWS_MAX : VEC_ROWS_MAX));
        rows += n > 0 ? cursor - from : 0;
    }
    EXPECT_EQ_INT(rows, shape == TOP ? TOP_ROWS : ROWS_MAX);
    rows_teardown(&f);
}

TEST(rows_state, works_in_steps)
{
    for (int shape = PLAIN; shape <= TOP; shape++)
        check_steps((enum rows_shape)shape);
}

// ---- how many tasks there are ----

// The rows of the model in blocks, as so many tasks send them: of a top the best of each. Gives
// what the state makes of them.
static void by_tasks(struct rows_fixture *f, uint32_t tasks, struct strbuf *out)
{
    struct model_row *all = f->row;
    uint32_t n = f->rows_cnt;
    struct model_row *part = calloc(n + 1, sizeof *part);

    rows_state_begin(&f->s, 0);
    for (uint32_t t = 0; t < tasks; t++) {
        f->row = part;
        f->rows_cnt = 0;
        for (uint32_t i = t; i < n; i += tasks)
            part[f->rows_cnt++] = all[i];
        rows_model_cut(f, 0);
        rows_merge(f, 0);
    }
    f->row = all;
    f->rows_cnt = n;
    rows_end(f);
    rows_state_text(f, out);
    strbuf_printf(out, "\nrefused %llu", (unsigned long long)f->s.refused);
    rows_state_init(&f->s, &f->x, f->mem);
    free(part);
}

// How many of the best rows there is room for, given all rows of an interval.
static uint32_t fitting_rows(struct rows_fixture *f)
{
    uint8_t row[256];
    uint64_t bytes = 0;
    uint32_t n = 0;

    qsort(f->row, f->rows_cnt, sizeof *f->row, rows_by_rank);
    while (n < f->rows_cnt && bytes <= f->s.ring_bytes / 8 * 5)
        bytes += rows_put(row, f, &f->row[n++]);
    return n ? n - 1 : 0;
}

// Rows of 32 to 56 bytes, and of the best just as many as there is room for, or one too many.
TEST(rows_state, a_top_fits_whoever_sent_its_rows)
{
    static const uint32_t tasks[] = {1, 2, 5, 40, 400};
    uint32_t fits = 0;

    for (uint32_t k = 0; k < 60; k++) {
        struct rows_fixture f;
        struct strbuf expected = {0};
        rows_setup(&f, TOP, 1, 65536, prng_seed(1) * 1000 + k);
        f.rows_cnt = 1000 + (uint32_t)prng_below(&f.prng, 2000);
        for (uint32_t i = 0; i < f.rows_cnt; i++) {
            f.row[i] = (struct model_row){0, i, prng_between(&f.prng, -3000, 3000), ""};
            snprintf(f.row[i].key, TEXT_MAX, "%0*d", (int)prng_below(&f.prng, TEXT_MAX - 1), 7);
        }
        f.x.top_cnt = fitting_rows(&f) + k % 2;
        by_tasks(&f, 1, &expected);
        fits += strstr(expected.s, "refused 0") != NULL;
        for (uint32_t t = 0; t < sizeof tasks / sizeof tasks[0]; t++) {
            struct strbuf is = {0};
            by_tasks(&f, tasks[t], &is);
            EXPECT_EQ_STR(is.s, expected.s);
            strbuf_release(&is);
        }
        strbuf_release(&expected);
        rows_teardown(&f);
    }
    EXPECT_EQ_INT(fits, 30);
}
