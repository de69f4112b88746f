/*
 * Microbenchmarks of what makes and sums columns of numbers: bench_columns [NAME]... Each works on
 * vectors of 1,024 rows of 64 different ones, so that branches cannot be learnt by heart, at every
 * SIMD level of this CPU; the figure is nanoseconds for each row, the least of many rounds, because
 * whatever disturbs a round makes it longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/gen_1brc.h"
#include "perf/micro.h"
#include "rdd/agg_numbers.h"
#include "rdd/csv_marks.h"
#include "rdd/fsum.h"
#include "rdd/parse.h"
#include "rdd/parse_col.h"
#include "rdd/sel.h"
#include "rdd/strided.h"
#include "rdd/tkey.h"

#define ROWS         VEC_ROWS_MAX
#define VECTORS      64u
#define ROUNDS       60u
#define STATIONS     413u
#define RECORD_BYTES 16u
#define ROW_BYTES    192u /* from a key and its row of accumulators to the next */

struct vector {
    uint8_t text[ROWS * GEN_1BRC_RECORD_MAX];
    uint32_t bytes;
    uint32_t off[ROWS], len[ROWS]; /* of the temperatures */
    double value[ROWS];
    int64_t words[ROWS];
    uint8_t *row[ROWS];
    uint8_t record[ROWS * RECORD_BYTES];
};

static struct vector vectors[VECTORS];
static uint8_t *rows;
static uint16_t mark[CSV_MARKS_BYTES + CSV_MARKS_SLACK];
static double floats[ROWS];
static int64_t ints[FSUM_LANES * ROWS];
static uint8_t bad[ROWS];
static uint16_t sel[ROWS + SEL_SLACK];

static void setup(void)
{
    struct gen_1brc *g = malloc(sizeof *g);

    rows = aligned_alloc(64, (size_t)STATIONS * ROW_BYTES);
    MR_ASSERT(g && rows);
    memset(rows, 0, (size_t)STATIONS * ROW_BYTES);
    gen_1brc_init(g, STATIONS, 1);
    for (uint32_t k = 0; k < VECTORS; k++) {
        struct vector *v = &vectors[k];
        for (uint32_t i = 0; i < ROWS; i++) {
            uint8_t *at = v->text + v->bytes, *end = at + gen_1brc_record(g, at);
            uint8_t *field = (uint8_t *)memchr(at, ';', (size_t)(end - at)) + 1;
            v->off[i] = (uint32_t)(field - v->text);
            v->len[i] = (uint32_t)(end - 1 - field);
            v->bytes += (uint32_t)(end - at);
            MR_ASSERT(!parse_float((char *)field, v->len[i], &v->value[i]));
            v->words[i] = prng_below(&g->prng, 3) == 0;
            v->row[i] = rows + sizeof(struct tkey) + prng_below(&g->prng, STATIONS) * ROW_BYTES;
        }
        prng_fill(&g->prng, v->record, sizeof v->record);
        for (uint32_t i = 0; i < ROWS; i++)
            memcpy(v->record + i * RECORD_BYTES + 4,
                   (uint8_t[2]){0, (uint8_t)prng_below(&g->prng, 3)}, 2);
    }
    free(g);
}

/* --- what is measured: one vector --------------------------------------------------------------
 */

static void marks(const struct vector *v)
{
    const struct csv_shape shape = {';', true, 2};
    struct csv_marks m = {.mark = mark};

    csv_marks_find(&m, v->text, v->bytes, &shape, ROWS);
    MR_ASSERT(m.lines_cnt == ROWS);
}

static void parse(const struct vector *v)
{
    parse_floats(floats, v->text, v->off, v->len, ROWS, bad);
}

static void parse_each(const struct vector *v)
{
    for (uint32_t i = 0; i < ROWS; i++)
        bad[i] |= parse_float((const char *)v->text + v->off[i], v->len[i], &floats[i]) != 0;
}

static void lanes(const struct vector *v)
{
    int64_t *lane[FSUM_LANES] = {ints, ints + ROWS, ints + 2 * ROWS};
    uint16_t odd[ROWS];

    MR_ASSERT(!fsum_lanes(lane, v->value, ROWS, odd));
}

/* Leaves of a row, the columns of which are numbers and words. */
static void numbers(const struct vector *v, const struct agg_leaf *leaf, uint32_t cnt)
{
    struct agg_spec a = {.leaves_cnt = cnt, .row_bytes = ROW_BYTES - sizeof(struct tkey)};
    struct col cols[TYPE_LEAVES_MAX];
    struct vec all = {.rows = ROWS, .sel_cnt = ROWS};

    for (uint32_t k = 0; k < cnt; k++) {
        a.leaf[k] = leaf[k];
        cols[k] = (struct col){.kind = leaf[k].kind, .i = (int64_t *)(uintptr_t)v->words};
        if (leaf[k].kind == TYPE_FLOAT)
            cols[k].f = (double *)(uintptr_t)v->value;
    }
    agg_numbers_update(&a, v->row, cols, &all);
}

static void least(const struct vector *v)
{
    static const struct agg_leaf leaf[] = {{AGG_MIN, TYPE_INT, 8, 8}};

    numbers(v, leaf, 1);
}

static void stations(const struct vector *v)
{
    static const struct agg_leaf leaf[] = {{AGG_MIN, TYPE_FLOAT, 8, 8},
                                           {AGG_MAX, TYPE_FLOAT, 16, 8},
                                           {AGG_SUM_FLOAT, TYPE_FLOAT, 24, 80},
                                           {AGG_COUNT, TYPE_INT, 0, 0}};

    numbers(v, leaf, 4);
}

static void fields(const struct vector *v)
{
    struct strided s = {v->record, RECORD_BYTES, ROWS, 0, 4, true, NULL};

    strided_ints(ints, &s, false);
}

/* The records that a sieve keeps, a third of them, and then a number of each. */
static void sieve(const struct vector *v)
{
    struct strided s = {v->record, RECORD_BYTES, ROWS / 4, 4, 2, true, NULL};

    for (uint32_t k = 0; k < 4; k++, s.p += sizeof v->record / 4) {
        struct strided kept = {s.p, RECORD_BYTES, 0, 0, 4, true, sel};
        kept.n = strided_where(sel, &s, false, SEL_EQ, 0);
        strided_ints(ints, &kept, false);
    }
}

static void where(const struct vector *v)
{
    sel_where(sel, v->words, true, NULL, ROWS);
}

static const struct {
    const char *name;
    void (*vector)(const struct vector *v);
} benches[] = {{"csv_marks_find", marks}, {"parse_floats", parse},      {"parse_float", parse_each},
               {"fsum_lanes", lanes},     {"least, count", least},      {"station", stations},
               {"strided_ints", fields},  {"where, and number", sieve}, {"sel_where", where}};

static double measure(void (*vector)(const struct vector *v))
{
    double best = 0;

    for (uint32_t r = 0; r < ROUNDS; r++) {
        double took = now_ns();
        for (uint32_t k = 0; k < VECTORS; k++)
            vector(&vectors[k]);
        took = (now_ns() - took) / (VECTORS * ROWS);
        best = !r || took < best ? took : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    setup();
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        if (!wanted(benches[i].name, argc, argv))
            continue;
        printf("%-20s", benches[i].name);
        for (int level = SIMD_SCALAR; level < SIMD_AUTO; level++)
            if (simd_init((enum simd_level)level) == 0)
                printf("  %s %5.2f ns", simd_level_name(simd_level), measure(benches[i].vector));
        printf(" a row\n");
    }
    return 0;
}
