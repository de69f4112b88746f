#include <errno.h>

#include "base/assert.h"
#include "rdd/task.h"

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

size_t job_state_bytes(const struct plan *p)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        const struct exchange *x = p->exchange[i];
        size_t each = x->kind == EX_AGG ? sizeof(struct agg_state) : sizeof(struct rows_state);
        bytes += round64(each * x->partitions) + x->state_bytes * x->partitions;
    }
    return bytes;
}

void job_state_init(struct job_state *s, const struct plan *p, void *mem)
{
    uint8_t *at = mem;

    *s = (struct job_state){.plan = p};
    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        const struct exchange *x = p->exchange[i];
        bool agg = x->kind == EX_AGG;
        s->agg[i] = agg ? (struct agg_state *)(void *)at : NULL;
        s->rows[i] = agg ? NULL : (struct rows_state *)(void *)at;
        at += round64((agg ? sizeof *s->agg[i] : sizeof *s->rows[i]) * x->partitions);
        for (uint32_t k = 0; k < x->partitions; k++, at += x->state_bytes) {
            if (agg)
                agg_state_init(&s->agg[i][k], x, at);
            else
                rows_state_init(&s->rows[i][k], x, at);
        }
    }
}

static bool is_writer(const struct pnode *n)
{
    return n->kind == PN_WRITE_AGG || n->kind == PN_WRITE_ROWS || n->kind == PN_OUTPUT;
}

/* What the writers below n need: how many, and bytes. */
static void measure_writers(const struct pnode *n, uint32_t *cnt, size_t *bytes)
{
    if (is_writer(n)) {
        ++*cnt;
        *bytes += round64(stage_writer_bytes(n));
    }
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        measure_writers(n->kid[i], cnt, bytes);
}

static void measure_plan(const struct plan *p, uint32_t *cnt, size_t *bytes)
{
    *cnt = 0;
    *bytes = 0;
    for (uint32_t i = 0; i < p->stages_cnt; i++)
        measure_writers(p->stage[i]->root, cnt, bytes);
}

/* The most entries that a task ranks while it emits. */
static uint32_t best_max(const struct plan *p)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < p->exchanges_cnt; i++)
        most = p->exchange[i]->best.cnt > most ? p->exchange[i]->best.cnt : most;
    return most;
}

size_t runner_bytes(const struct plan *p, uint32_t sources_cnt)
{
    uint32_t cnt;
    size_t bytes;

    measure_plan(p, &cnt, &bytes);
    return bytes + SCRATCH_BYTES + round64(cnt * sizeof(struct stage_writer)) +
           round64(p->fails_cnt * 8 + 8) + round64(p->nodes_cnt * 8) +
           round64(sources_cnt * sizeof(struct source_counters) + 8) +
           round64(best_max(p) * sizeof(struct best_entry));
}

static void *carve(uint8_t **at, size_t bytes)
{
    void *p = *at;
    *at += round64(bytes);
    return p;
}

static void init_writers(struct runner *r, struct pipeline *p, const struct pnode *n,
                         struct stage_writer **next, uint8_t **at)
{
    if (is_writer(n)) {
        struct stage_writer *w = (*next)++;
        MR_ASSERT(p->writers_cnt < STAGE_WRITERS_MAX);
        stage_writer_init(w, n, p->stage, carve(at, stage_writer_bytes(n)));
        p->writer[p->writers_cnt++] = w;
    }
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        init_writers(r, p, n->kid[i], next, at);
}

void runner_init(struct runner *r, const struct plan *p, const struct source_spec *const *source,
                 uint32_t sources_cnt, struct job_state *state, const struct block_mem *mem_seam,
                 void *mem)
{
    uint8_t *at = mem;
    uint32_t cnt;
    size_t bytes;

    memset(r, 0, sizeof *r);
    r->plan = p;
    r->source = source;
    r->sources_cnt = sources_cnt;
    r->state = state;
    shuffle_writer_init(&r->out.shuffle, mem_seam);
    arena_init(&r->scratch, carve(&at, SCRATCH_BYTES), SCRATCH_BYTES);
    measure_plan(p, &cnt, &bytes);
    r->writers = carve(&at, cnt * sizeof *r->writers);
    r->failed = carve(&at, p->fails_cnt * 8 + 8);
    r->flat_ord = carve(&at, p->nodes_cnt * 8);
    r->counters = carve(&at, sources_cnt * sizeof *r->counters + 8);
    r->best_mem = carve(&at, best_max(p) * sizeof *r->best_mem);
    memset(r->failed, 0, p->fails_cnt * 8 + 8);
    memset(r->counters, 0, sources_cnt * sizeof *r->counters);
    struct stage_writer *next = r->writers;
    for (uint32_t i = 0; i < p->stages_cnt; i++) {
        r->pipe[i] = (struct pipeline){.stage = p->stage[i],
                                       .scratch = &r->scratch,
                                       .out = &r->out,
                                       .failed = r->failed,
                                       .flat_ord = r->flat_ord};
        init_writers(r, &r->pipe[i], p->stage[i]->root, &next, &at);
    }
}

void runner_close(struct runner *r)
{
    shuffle_writer_close(&r->out.shuffle);
}

static void begin(struct runner *r, enum task_kind kind, uint64_t interval, uint32_t task)
{
    MR_ASSERT(r->task == TASK_NONE);
    r->task = kind;
    r->phase = 0;
    r->cursor = 0;
    r->complete = true;
    r->refused_before = r->out.refused;
    r->out.interval = interval;
    r->out.task = task;
}

void runner_feed(struct runner *r, uint32_t stage, uint64_t interval, uint32_t task,
                 const struct block *b)
{
    const struct stage *s = r->plan->stage[stage];
    /* Lines are mostly as in the block before. */
    uint32_t plain_left = r->p == &r->pipe[stage] ? r->reader.plain_left : 0;

    begin(r, TASK_FEED, interval, task);
    r->p = &r->pipe[stage];
    memset(r->flat_ord, 0, r->plan->nodes_cnt * 8);
    source_reader_init(&r->reader, r->source[s->source], b->index, b->hdr.rows, b->base, b->ord_hi,
                       s->want, &r->counters[s->source]);
    r->reader.needles = s->needles.cnt ? &s->needles : NULL;
    r->reader.sieve = s->sieve.on ? &s->sieve : NULL;
    r->reader.plain_left = plain_left;
    r->reader.shown = r->shown;
    r->reader.shown_ctx = r->shown_ctx;
}

void runner_flush(struct runner *r, uint32_t stage, uint64_t interval, uint32_t task)
{
    begin(r, TASK_FLUSH, interval, task);
    r->p = &r->pipe[stage];
}

void runner_merge(struct runner *r, uint32_t exchange, uint64_t interval, uint32_t partition,
                  const struct block *b)
{
    begin(r, TASK_MERGE, interval, 0);
    r->x = r->plan->exchange[exchange];
    r->partition = partition;
    r->block = b;
    if (r->x->kind == EX_ROWS)
        rows_block_open(&r->rows_reader, b, r->x);
}

void runner_close_interval(struct runner *r, uint32_t exchange, uint64_t interval,
                           uint32_t partition_first, uint32_t partition_cnt)
{
    begin(r, TASK_CLOSE, interval, partition_first);
    r->x = r->plan->exchange[exchange];
    r->p = &r->pipe[r->x->stage];
    r->partition = partition_first;
    r->partition_end = partition_first + partition_cnt;
    agg_best_begin(&r->best, r->x, r->best_mem);
    memset(r->flat_ord, 0, r->plan->nodes_cnt * 8);
}

static bool step_feed(struct runner *r)
{
    struct col cols[TYPE_LEAVES_MAX];
    struct vec v = {.col = cols};

    arena_reset(&r->scratch);
    int n = source_read(&r->reader, &v, &r->scratch);
    MR_ASSERT(n >= 0); /* the scratch holds any vector of a source */
    const struct stage *s = r->p->stage;
    if (n > 0 && r->reader.held && s->met)
        pipeline_kids(r->p, s->met, &v);
    else if (n > 0 && v.sel_cnt > 0) /* every record of it may have been dropped */
        pipeline_push(r->p, s->root, &v);
    return n > 0;
}

static bool step_flush(struct runner *r)
{
    arena_reset(&r->scratch);
    pipeline_flush(r->p);
    return false;
}

/* Opens the interval in the state if it is not open yet; true: it was not done in this step. */
static bool agg_opening(struct agg_state *s, uint64_t interval, struct arena *scratch)
{
    if (s->phase == AGG_IDLE || s->phase == AGG_CLOSED)
        agg_state_begin(s, interval);
    return s->phase == AGG_LEAVING && agg_state_step(s, scratch);
}

static bool step_merge_agg(struct runner *r, struct agg_state *s)
{
    struct tkey key[VEC_ROWS_MAX];
    const uint8_t *row[VEC_ROWS_MAX];

    if (agg_opening(s, r->out.interval, &r->scratch) || agg_state_step(s, &r->scratch))
        return true;
    if (r->phase == 0 && agg_block_open(&r->agg_reader, r->block, &r->x->agg)) {
        r->damaged++;
        return false;
    }
    r->phase = 1;
    int n = agg_block_next(&r->agg_reader, &r->x->agg, key, row, &r->scratch);
    MR_ASSERT(n >= 0);
    if (n > 0)
        agg_state_merge(s, &r->scratch, key, row, (uint32_t)n);
    return n > 0;
}

static bool step_merge_rows(struct runner *r, struct rows_state *s)
{
    if (s->phase != ROWS_OPEN)
        rows_state_begin(s, r->out.interval);
    if (r->phase == 1)
        return rows_state_merge(s, &r->rows_reader);
    int rc = rows_block_check(&r->rows_reader);
    r->damaged += rc < 0;
    r->phase = rc == 0;
    return rc >= 0;
}

static bool step_merge(struct runner *r)
{
    arena_reset(&r->scratch);
    if (r->x->kind == EX_AGG)
        return step_merge_agg(r, &r->state->agg[r->x->idx][r->partition]);
    return step_merge_rows(r, &r->state->rows[r->x->idx][r->partition]);
}

enum { CLOSE_OPENING, CLOSE_CLOSING, CLOSE_EMITTING, CLOSE_FLUSHING };

static bool close_rows(struct runner *r, struct rows_state *s)
{
    if (r->phase == CLOSE_OPENING) {
        if (s->phase != ROWS_OPEN)
            rows_state_begin(s, r->out.interval);
        rows_state_end(s);
        r->phase = CLOSE_CLOSING;
    }
    return rows_state_step(s);
}

/* Brings the state of the partition to the end of the interval; true: there is more to do. */
static bool close_state(struct runner *r)
{
    struct agg_state *agg = r->state->agg[r->x->idx];

    if (!agg)
        return close_rows(r, &r->state->rows[r->x->idx][r->partition]);
    struct agg_state *s = &agg[r->partition];
    if (r->phase == CLOSE_OPENING) {
        if (agg_opening(s, r->out.interval, &r->scratch))
            return true;
        agg_state_end(s);
        r->phase = CLOSE_CLOSING;
    }
    return agg_state_step(s, &r->scratch);
}

/* Rows of wide operators come after those of sources, in program order, by partition. */
static uint64_t emission_ord(const struct exchange *x, uint32_t partition)
{
    return 1ull << 63 | (uint64_t)x->node->idx << 40 | partition;
}

/* Emits the next vector of the partition; true: there is more. */
static bool emit(struct runner *r)
{
    struct col cols[TYPE_LEAVES_MAX];
    struct agg_state *agg = r->state->agg[r->x->idx];
    struct rows_state *rows = r->state->rows[r->x->idx];
    struct vec v = {.col = cols, .ord_hi = emission_ord(r->x, r->partition)};
    uint32_t first = r->cursor;

    struct agg_best *best = r->x->best.cnt ? &r->best : NULL;
    int n = agg ? agg_state_emit(&agg[r->partition], &r->cursor, best, &v, &r->scratch)
                : rows_state_emit(&rows[r->partition], &r->cursor, &v, &r->scratch);
    MR_ASSERT(n >= 0);
    if (n == 0)
        return false;
    v.ord_lo = first;
    if (v.sel_cnt)
        pipeline_push(r->p, r->p->stage->root, &v);
    return true;
}

static void retire(struct runner *r)
{
    if (r->x->kind == EX_AGG) {
        struct agg_state *s = &r->state->agg[r->x->idx][r->partition];
        r->complete &= agg_state_complete(s);
        agg_state_retire(s);
    } else {
        r->complete &= rows_state_complete(&r->state->rows[r->x->idx][r->partition]);
    }
}

/* One partition after the other: to the end of its interval, emission, then the next. */
static bool step_close(struct runner *r)
{
    arena_reset(&r->scratch);
    if (r->partition == r->partition_end) {
        pipeline_flush(r->p);
        return false;
    }
    if (r->phase < CLOSE_EMITTING) {
        if (close_state(r))
            return true;
        r->phase = CLOSE_EMITTING;
        r->cursor = 0;
        return true;
    }
    if (slide_active(r->x->slide, r->out.interval) && emit(r))
        return true;
    retire(r);
    memset(r->flat_ord, 0, r->plan->nodes_cnt * 8);
    r->partition++;
    r->phase = CLOSE_OPENING;
    return true;
}

bool runner_step(struct runner *r)
{
    static bool (*const step[])(struct runner *) = {[TASK_FEED] = step_feed,
                                                    [TASK_FLUSH] = step_flush,
                                                    [TASK_MERGE] = step_merge,
                                                    [TASK_CLOSE] = step_close};

    MR_ASSERT(r->task != TASK_NONE);
    bool more = step[r->task](r);
    if (!more)
        r->task = TASK_NONE;
    return more;
}

bool runner_lost(const struct runner *r)
{
    return !r->complete || r->out.refused != r->refused_before;
}
