/*
 * Records of any bytes, in every format. The first byte chooses the format, the second how the
 * rest is cut into datagrams, the third which columns are read. The ledger must close, every
 * step get on, strings lie in the block or the arena, and format_walk count what the reader
 * offers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/format_walk.h"
#include "rdd/source.h"

#define ARENA_BYTES (4u << 20)
#define RUNS_MAX    256u
#define FIELDS_MAX  6u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct format_field text_fields[FIELDS_MAX] = {
    {.name = "s", .type = TYPE_STRING}, {.name = "i", .type = TYPE_INT},
    {.name = "f", .type = TYPE_FLOAT},  {.name = "b", .type = TYPE_BOOL},
    {.name = "t", .type = TYPE_TIME},   {.name = "ip", .type = TYPE_IP},
};

static const struct format_field binary_fields[FIELDS_MAX] = {
    {.name = "u", .type = TYPE_INT, .binary = BINARY_UINT, .offset = 0, .width = 8},
    {.name = "i", .type = TYPE_TIME, .binary = BINARY_INT, .offset = 3, .width = 3},
    {.name = "f", .type = TYPE_FLOAT, .binary = BINARY_FLOAT, .offset = 6, .width = 4},
    {.name = "b", .type = TYPE_BOOL, .binary = BINARY_UINT, .offset = 10, .width = 1},
    {.name = "s", .type = TYPE_STRING, .binary = BINARY_BYTES, .offset = 11, .width = 7},
    {.name = "ip", .type = TYPE_IP, .binary = BINARY_IP6, .offset = 2, .width = 16},
};

static const struct format formats[] = {
    {.kind = FORMAT_TEXT},
    {.kind = FORMAT_CSV, .separator = ',', .quotes = true, .fields_cnt = 6, .field = text_fields},
    {.kind = FORMAT_CSV, .separator = ',', .quotes = true, .fields_cnt = 2, .field = text_fields},
    {.kind = FORMAT_CSV, .separator = '\t', .fields_cnt = 3, .field = text_fields},
    {.kind = FORMAT_BINARY, .record_bytes = 19, .fields_cnt = 6, .field = binary_fields},
    {.kind = FORMAT_FRAMES, .length_bytes = 1},
    {.kind = FORMAT_FRAMES, .length_bytes = 2},
    {.kind = FORMAT_FRAMES, .length_bytes = 4},
};

static uint32_t cut_runs(struct run *run, uint32_t len, uint32_t how)
{
    uint32_t cnt = 0, at = 0, step = how ? how * how : len;

    while (at < len && cnt < RUNS_MAX - 1) {
        uint32_t n = step < len - at ? step : len - at;
        run[cnt++] = (struct run){at, n};
        at += n;
    }
    if (at < len)
        run[cnt++] = (struct run){at, len - at};
    return cnt;
}

static const struct type *type_of(struct zone *z, const struct format *f)
{
    const struct type *part[FIELDS_MAX];

    for (uint32_t i = 0; i < f->fields_cnt; i++)
        part[i] = type_scalar(f->field[i].type);
    return f->fields_cnt ? type_tuple(z, part, f->fields_cnt) : &type_string;
}

/* Reads one byte at both ends of every string, for ASan to look at. */
static uint32_t touch(const struct vec *v)
{
    uint32_t sum = 0;

    for (uint32_t k = 0; k < v->cols_cnt; k++) {
        const struct col *c = &v->col[k];
        if (c->kind != TYPE_STRING || !c->s.off)
            continue;
        for (uint32_t i = 0; i < v->sel_cnt; i++) {
            uint32_t r = vec_row(v, i);
            if (c->s.len[r])
                sum += c->s.base[c->s.off[r]] + c->s.base[c->s.off[r] + c->s.len[r] - 1];
        }
    }
    return sum;
}

static uint64_t read_block(struct source_reader *r, struct source_counters *n)
{
    static _Alignas(64) uint8_t bytes[ARENA_BYTES];
    struct col col[FIELDS_MAX];
    struct vec v = {.col = col};
    uint64_t alive = 0, before = 0, dropped = 0, sum = 0;
    struct arena a;
    int rc;

    arena_init(&a, bytes, sizeof bytes);
    while ((rc = source_read(r, &v, &a)) > 0) {
        MR_ASSERT(n->offered > before && v.sel_cnt <= v.rows && v.rows <= VEC_ROWS_MAX);
        before = n->offered;
        alive += v.sel_cnt;
        sum = sum * 31 + touch(&v);
        arena_reset(&a);
    }
    MR_ASSERT(rc == 0);
    for (int i = 0; i < RECORD_DROPS_CNT; i++)
        dropped += n->dropped[i];
    MR_ASSERT(n->offered == alive + dropped);
    return sum * 31 + alive;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct zone z = {0};
    uint32_t len = (uint32_t)size - 3;
    uint8_t *block = malloc(len ? len : 1);
    struct run run[RUNS_MAX];
    struct source_spec spec = {.format = formats[data[0] % (sizeof formats / sizeof formats[0])]};
    uint32_t runs = cut_runs(run, len, data[1]), used;
    bool want[FIELDS_MAX];
    uint64_t walked = 0, first = 0;

    memcpy(block, data + 3, len);
    spec.type = type_of(&z, &spec.format);
    for (uint32_t i = 0; i < FIELDS_MAX; i++)
        want[i] = data[2] >> i & 1;
    for (uint32_t i = 0; i < runs; i++)
        walked +=
            format_walk(&spec.format, block + run[i].off, run[i].len, true, UINT32_MAX, &used);
    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
        struct source_counters n = {0};
        struct source_reader r;
        if (simd_init((enum simd_level)level))
            continue;
        source_reader_init(&r, &spec, run, runs, block, 0, want, &n);
        uint64_t sum = read_block(&r, &n);
        MR_ASSERT(level == 0 || sum == first);
        first = sum;
        MR_ASSERT(n.bytes == len && n.offered == walked);
    }
    free(block);
    zone_free(&z);
    return 0;
}
