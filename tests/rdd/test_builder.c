// The builder against a list of what was put in: whatever the limits, the mix of copies and
// views, the intervals and the shortages, the sealed blocks in order hold exactly the rows that
// were taken, and every page and descriptor comes back.

#include "rdd/builder.h"

#include <stdlib.h>
#include <string.h>

#include "tests/prng.h"
#include "tests/test.h"

#define ROWS_MAX 4000u

struct mem_page {
    uint8_t *bytes;
    uint32_t refs;
};

struct mem {
    struct prng rng;
    unsigned refuse_percent;
    uint32_t pages_out, blocks_out, holds_bad;
};

static struct mem_page *mem_page_new(struct mem *m)
{
    struct mem_page *pg = malloc(sizeof *pg);

    *pg = (struct mem_page){.bytes = aligned_alloc(64, PAGE_BYTES), .refs = 1};
    m->pages_out++;
    return pg;
}

static void *mem_get(void *ctx, uint8_t **bytes)
{
    struct mem *m = ctx;

    if (prng_chance(&m->rng, m->refuse_percent))
        return NULL;
    struct mem_page *pg = mem_page_new(m);
    *bytes = pg->bytes;
    return pg;
}

static void mem_hold(void *ctx, void *page)
{
    struct mem_page *pg = page;

    if (pg->refs == 0)
        ((struct mem *)ctx)->holds_bad++;
    pg->refs++;
}

static void mem_drop(void *ctx, void *page)
{
    struct mem_page *pg = page;

    if (--pg->refs > 0)
        return;
    free(pg->bytes);
    free(pg);
    ((struct mem *)ctx)->pages_out--;
}

static struct block *mem_block_get(void *ctx)
{
    struct mem *m = ctx;

    if (prng_chance(&m->rng, m->refuse_percent))
        return NULL;
    m->blocks_out++;
    return calloc(1, sizeof(struct block));
}

static void mem_block_put(void *ctx, struct block *b)
{
    free(b);
    ((struct mem *)ctx)->blocks_out--;
}

// What was put in.
struct wanted {
    uint64_t interval;
    uint32_t len;
    uint64_t seed; // of its bytes
    int64_t ts;
};

struct trial {
    struct mem mem;
    enum block_kind kind;
    uint32_t rows_max, bytes_max;
    uint32_t wanted_cnt, seen_cnt;
    uint64_t next_sequence;
    struct wanted wanted[ROWS_MAX];
};

static void row_bytes(uint64_t seed, uint8_t *out, uint32_t len)
{
    struct prng p = prng_of(seed);

    prng_fill(&p, out, len);
}

static void look_at_row(struct trial *t, const struct block *b, uint32_t off, uint32_t len)
{
    static uint8_t want[PAGE_BYTES];
    const struct wanted *w = &t->wanted[t->seen_cnt];

    REQUIRE(t->seen_cnt < t->wanted_cnt);
    EXPECT_EQ_INT(b->hdr.interval, w->interval);
    EXPECT_EQ_INT(len, w->len);
    EXPECT((uint64_t)off + len <= PAGE_BYTES);
    row_bytes(w->seed, want, w->len);
    EXPECT_EQ_MEM(b->base + off, want, w->len);
}

static void on_sealed(void *ctx, struct block *b)
{
    struct trial *t = ctx;
    uint64_t data_bytes = 0;

    EXPECT(b->hdr.rows > 0);
    EXPECT(t->rows_max == 0 || b->hdr.rows <= t->rows_max);
    EXPECT_EQ_INT(b->hdr.id.c, t->next_sequence);
    EXPECT_EQ_INT(b->ord_hi, block_ord(5, 3, 2, t->next_sequence));
    EXPECT_EQ_INT((uintptr_t)b->index % 64, 0);
    for (uint32_t i = 0; i < b->hdr.rows; i++) {
        if (t->kind == BLOCK_RUNS) {
            const struct run *r = (const struct run *)b->index + i;
            look_at_row(t, b, r->off, r->len);
            data_bytes += r->len;
        } else {
            const struct pkt *p = (const struct pkt *)b->index + i;
            look_at_row(t, b, p->off, p->cap_len);
            EXPECT_EQ_INT(p->ts_ns, t->wanted[t->seen_cnt].ts);
            data_bytes += p->cap_len;
        }
        t->seen_cnt++;
    }
    EXPECT(t->bytes_max == 0 || b->hdr.rows == 1 || data_bytes <= t->bytes_max);
    EXPECT_EQ_INT(b->hdr.bytes, b->hdr.rows * block_input_row_bytes(t->kind) + data_bytes);
    t->next_sequence++;
    mem_drop(&t->mem, b->page);
    mem_drop(&t->mem, b->index_page);
    mem_block_put(&t->mem, b);
}

#define BURST_MAX 8u

// A page that somebody else fills: rows may stay in it. Pages that are full are held until the
// rows in them are added.
struct landing_page {
    struct mem_page *page, *full[BURST_MAX];
    uint32_t used, full_cnt;
};

static uint8_t *landing_room(struct trial *t, struct landing_page *l, uint32_t len)
{
    if (!l->page || len > PAGE_BYTES - l->used) {
        if (l->page)
            l->full[l->full_cnt++] = l->page;
        l->page = mem_page_new(&t->mem);
        l->used = 0;
    }
    l->used += len;
    return l->page->bytes + l->used - len;
}

static void landing_added(struct trial *t, struct landing_page *l)
{
    while (l->full_cnt > 0)
        mem_drop(&t->mem, l->full[--l->full_cnt]);
}

static uint32_t add_rows(struct trial *t, struct block_builder *b, const struct wanted *w,
                         const struct block_bytes *bytes, uint32_t n)
{
    struct pkt p[BURST_MAX];

    if (t->kind == BLOCK_RUNS)
        return block_builder_add_runs(b, bytes, n);
    for (uint32_t i = 0; i < n; i++)
        p[i] = (struct pkt){.ts_ns = w[i].ts, .cap_len = w[i].len, .off = 77};
    return block_builder_add_pkts(b, p, bytes, n);
}

// Adds the last n rows that are wanted; what is refused is wanted no more.
static void add_burst(struct trial *t, struct block_builder *b, struct landing_page *l,
                      const bool *in_place, uint32_t n)
{
    static uint8_t buf[BURST_MAX][PAGE_BYTES];
    struct block_bytes bytes[BURST_MAX];
    struct wanted *w = &t->wanted[t->wanted_cnt - n];

    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = (struct block_bytes){.at = buf[i], .len = w[i].len};
        if (in_place[i]) {
            bytes[i].at = landing_room(t, l, w[i].len);
            bytes[i].page = l->page;
            bytes[i].page_base = l->page->bytes;
        }
        row_bytes(w[i].seed, (uint8_t *)(uintptr_t)bytes[i].at, w[i].len);
    }
    for (uint32_t at = 0, left = n; left > 0;) {
        uint32_t got = add_rows(t, b, w, bytes + at, left);
        EXPECT(got <= left);
        at += got + 1;
        if (got == left)
            break;
        left -= got + 1;
        w += got;
        memmove(w, w + 1, left * sizeof *w);
        t->wanted_cnt--;
    }
    landing_added(t, l);
}

static struct wanted random_row(struct prng *rng, uint64_t interval, uint32_t len_max)
{
    return (struct wanted){
        .interval = interval,
        .len = 1 + (uint32_t)prng_below(rng, prng_chance(rng, 2) ? len_max : 300),
        .seed = prng_u64(rng),
        .ts = prng_between(rng, 0, 1 << 30),
    };
}

static void run_trial(struct trial *t, struct prng *rng, uint32_t bursts, uint32_t len_max,
                      unsigned view_percent)
{
    struct block_builder b;
    struct landing_page l = {0};
    struct block_builder_conf conf = {
        .mem = {&t->mem, mem_get, mem_hold, mem_drop, mem_block_get, mem_block_put},
        .kind = t->kind,
        .node = 3,
        .source = 5,
        .queue = 2,
        .rows_max = t->rows_max,
        .bytes_max = t->bytes_max,
        .sealed = on_sealed,
        .sealed_ctx = t,
    };
    uint64_t interval = 0;

    block_builder_init(&b, &conf);
    for (uint32_t i = 0; i < bursts; i++) {
        if (prng_chance(rng, 3))
            interval += 1 + prng_below(rng, 3);
        block_builder_begin(&b, interval);
        uint32_t n = 1 + (uint32_t)prng_below(rng, BURST_MAX);
        bool in_place[BURST_MAX], stays = prng_chance(rng, view_percent);
        for (uint32_t k = 0; k < n; k++) {
            t->wanted[t->wanted_cnt++] = random_row(rng, interval, len_max);
            in_place[k] = prng_chance(rng, 80) ? stays : prng_chance(rng, view_percent);
        }
        add_burst(t, &b, &l, in_place, n);
        if (prng_chance(rng, 20))
            block_builder_cut(&b);
    }
    block_builder_close(&b);
    if (l.page)
        mem_drop(&t->mem, l.page);
    EXPECT_EQ_INT(t->seen_cnt, t->wanted_cnt);
    EXPECT_EQ_INT(t->mem.pages_out, 0);
    EXPECT_EQ_INT(t->mem.blocks_out, 0);
    EXPECT_EQ_INT(t->mem.holds_bad, 0);
}

TEST(builder, holds_what_was_put_in)
{
    static const struct {
        enum block_kind kind;
        uint32_t rows_max, bytes_max, len_max;
        unsigned view_percent, refuse_percent;
    } table[] = {
        {BLOCK_RUNS, 0, 0, 2000, 0, 0},         {BLOCK_RUNS, 0, 0, 2000, 100, 0},
        {BLOCK_RUNS, 1, 0, 2000, 50, 0},        {BLOCK_RUNS, 100, 5000, 9000, 50, 0},
        {BLOCK_RUNS, 0, 0, PAGE_BYTES, 0, 0},   {BLOCK_RUNS, 0, 0, PAGE_BYTES, 100, 0},
        {BLOCK_RUNS, 0, 0, 2000, 50, 40},       {BLOCK_PACKETS, 0, 0, 2000, 0, 0},
        {BLOCK_PACKETS, 0, 0, 2000, 100, 0},    {BLOCK_PACKETS, 7, 0, 2000, 50, 0},
        {BLOCK_PACKETS, 0, 70000, 65536, 5, 0}, {BLOCK_PACKETS, 0, 0, 40000, 50, 40},
    };
    static struct trial t;
    struct prng rng = prng_of(prng_seed(20121));

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        t = (struct trial){
            .mem = {.rng = prng_of(i), .refuse_percent = table[i].refuse_percent},
            .kind = table[i].kind,
            .rows_max = table[i].rows_max,
            .bytes_max = table[i].bytes_max,
        };
        uint32_t bursts = table[i].len_max > 100000 ? 60 : ROWS_MAX / BURST_MAX;
        run_trial(&t, &rng, bursts, table[i].len_max, table[i].view_percent);
    }
}

TEST(builder, goes_on_in_the_same_pages)
{
    static struct trial t;
    struct prng rng = prng_of(7);
    struct landing_page l = {0};
    struct block_builder b;
    struct block_builder_conf conf = {
        .mem = {&t.mem, mem_get, mem_hold, mem_drop, mem_block_get, mem_block_put},
        .kind = BLOCK_RUNS,
        .node = 3,
        .source = 5,
        .queue = 2,
        .sealed = on_sealed,
        .sealed_ctx = &t,
    };

    // A hundred small intervals fit into one dense page and one index page.
    t = (struct trial){.kind = BLOCK_RUNS};
    block_builder_init(&b, &conf);
    for (uint32_t i = 0; i < 100; i++) {
        block_builder_begin(&b, i);
        t.wanted[t.wanted_cnt] = random_row(&rng, i, 300);
        t.wanted_cnt++;
        add_burst(&t, &b, &l, &(bool){false}, 1);
        EXPECT_EQ_INT(t.mem.pages_out, 2);
    }
    EXPECT_EQ_INT(t.seen_cnt, 99);
    block_builder_close(&b);
    EXPECT_EQ_INT(t.seen_cnt, 100);
    EXPECT_EQ_INT(t.mem.pages_out, 0);
}

TEST(builder, cuts_what_is_worth_it)
{
    static const struct {
        enum block_kind kind;
        uint32_t rows, len;
        bool cut;
    } table[] = {
        {BLOCK_RUNS, 0, 1, false},     {BLOCK_RUNS, 1, 32767, false},
        {BLOCK_RUNS, 1, 32768, true},  {BLOCK_RUNS, 3, 20000, true},
        {BLOCK_RUNS, 1023, 1, false},  {BLOCK_RUNS, 1024, 1, true},
        {BLOCK_PACKETS, 1, 60, false}, {BLOCK_PACKETS, 1024, 20, true},
    };
    static struct trial t;
    struct prng rng = prng_of(8);
    struct landing_page l = {0};
    struct block_builder b;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct block_builder_conf conf = {
            .mem = {&t.mem, mem_get, mem_hold, mem_drop, mem_block_get, mem_block_put},
            .kind = table[i].kind,
            .node = 3,
            .source = 5,
            .queue = 2,
            .sealed = on_sealed,
            .sealed_ctx = &t,
        };
        t = (struct trial){.kind = table[i].kind};
        block_builder_init(&b, &conf);
        for (uint32_t row = 0; row < table[i].rows; row++) {
            t.wanted[t.wanted_cnt] = random_row(&rng, 0, 300);
            t.wanted[t.wanted_cnt++].len = table[i].len;
            add_burst(&t, &b, &l, &(bool){false}, 1);
        }
        block_builder_cut(&b);
        block_builder_cut(&b); // nothing is open, or as little as before
        EXPECT_EQ_INT(t.seen_cnt, table[i].cut ? table[i].rows : 0);
        block_builder_close(&b);
        EXPECT_EQ_INT(t.seen_cnt, table[i].rows);
        EXPECT_EQ_INT(t.mem.pages_out, 0);
    }
}

TEST(builder, takes_no_empty_run)
{
    static struct trial t;
    struct block_builder b;
    struct block_builder_conf conf = {
        .mem = {&t.mem, mem_get, mem_hold, mem_drop, mem_block_get, mem_block_put},
        .kind = BLOCK_RUNS,
        .sealed = on_sealed,
        .sealed_ctx = &t,
    };

    t = (struct trial){.kind = BLOCK_RUNS};
    block_builder_init(&b, &conf);
    block_builder_begin(&b, 4);
    EXPECT(block_builder_add_run(&b, &(struct block_bytes){.at = (const uint8_t *)"", .len = 0}));
    block_builder_begin(&b, 5);
    block_builder_close(&b);
    EXPECT_EQ_INT(t.next_sequence, 0);
}
