#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include "base/assert.h"
#include "dpdk-app/feeder_impl.h"

#define RING_MSGS   1024u
#define PATIENCE_NS 100000000u

/* ---- upward ---------------------------------------------------------------------------------- */

bool feeder_room(const struct feeder *f)
{
    uint64_t waiting = f->said - atomic_load_explicit(&f->heard, memory_order_relaxed);
    uint64_t marks = f->marked - atomic_load_explicit(&f->mark_taken, memory_order_acquire);

    /* A seal by the tick and one by the row, of each stream; CLOSED and SKIP, or CLOSED and END. */
    return rte_ring_get_capacity(f->ring) - waiting >= 2 * f->srcs_cnt + 2 &&
           marks + 2 <= FEEDER_MARKS_CNT;
}

static void say(struct feeder *f, const struct feed_msg *m)
{
    MR_ASSERT(rte_ring_sp_enqueue_elem(f->ring, (void *)(uintptr_t)m, sizeof *m) == 0);
    f->said++;
}

static void look_at_packets(const struct feeder *f, struct feeder_packets *p)
{
    for (uint32_t i = 0; i < FEED_COUNTERS_CNT; i++)
        p->packet[i] = __atomic_load_n(&f->n.packets.packet[i], __ATOMIC_RELAXED);
    for (uint32_t g = 0; g < FEEDER_GROUPS_MAX; g++)
        p->group_taken[g] = __atomic_load_n(&f->n.packets.group_taken[g], __ATOMIC_RELAXED);
}

/* The message that follows makes the mark visible. */
static bool make_mark(struct feeder *f)
{
    MR_ASSERT(f->marked - atomic_load_explicit(&f->mark_taken, memory_order_acquire) <
              FEEDER_MARKS_CNT);
    look_at_packets(f, &f->mark[f->marked++ % FEEDER_MARKS_CNT]);
    return true;
}

void feeder_mark(struct feeder *f, struct feeder_packets *p)
{
    uint64_t n = atomic_load_explicit(&f->mark_taken, memory_order_relaxed);

    *p = f->mark[n % FEEDER_MARKS_CNT];
    atomic_store_explicit(&f->mark_taken, n + 1, memory_order_release);
}

static void say_tick(struct feeder *f, enum feed_kind kind, uint64_t tick)
{
    say(f, &(struct feed_msg){
               .kind = kind, .tick = tick, .marked = kind == FEED_CLOSED && make_mark(f)});
}

static void on_sealed(void *ctx, struct block *b)
{
    struct feeder_src *s = ctx;

    say(s->f, &(struct feed_msg){
                  .kind = FEED_BLOCK, .stream = s->pos, .tick = b->hdr.interval, .block = b});
}

bool feeder_recv(struct feeder *f, struct feed_msg *msg)
{
    if (rte_ring_sc_dequeue_elem(f->ring, msg, sizeof *msg))
        return false;
    atomic_fetch_add_explicit(&f->heard, 1, memory_order_relaxed);
    return true;
}

/* ---- ticks ----------------------------------------------------------------------------------- */

void feeder_reach(struct feeder *f, uint64_t tick)
{
    if (tick > atomic_load_explicit(&f->reached, memory_order_relaxed))
        atomic_store_explicit(&f->reached, tick, memory_order_release);
}

void feeder_close_until(struct feeder *f, uint64_t to)
{
    uint64_t empty = to - 1 - f->busy_tick, memory = f->conf.memory_ticks;

    for (uint32_t i = 0; i < f->srcs_cnt; i++)
        block_builder_begin(&f->src[i].builder, to);
    if (empty <= memory) {
        say_tick(f, FEED_CLOSED, to - 1);
    } else {
        if (f->busy_tick + memory >= f->open_tick)
            say_tick(f, FEED_CLOSED, f->busy_tick + memory);
        say_tick(f, FEED_SKIP, to - 1);
        TALLY(f->n.gaps, 1);
        TALLY(f->n.skipped_ticks, empty - memory);
    }
    f->open_tick = to;
}

static bool others_reached(struct feeder *f, uint64_t tick)
{
    for (const struct feeder *p = f->next; p != f; p = p->next)
        if (atomic_load_explicit(&p->reached, memory_order_acquire) < tick)
            return false;
    return true;
}

void feeder_come(struct feeder *f)
{
    if (f->any && !f->conf.pace && f->item.tick > f->open_tick)
        feeder_close_until(f, f->item.tick);
    feeder_reach(f, f->item.tick);
}

bool feeder_enter(struct feeder *f)
{
    uint64_t tick = f->item.tick;

    if (tick > f->open_tick)
        feeder_close_until(f, tick);
    feeder_reach(f, tick);
    if (tick > f->joined_tick) {
        if (!others_reached(f, tick)) {
            f->behind = true;
            return false;
        }
        f->joined_tick = tick;
    }
    f->busy_tick = f->open_tick;
    return true;
}

void feeder_finish(struct feeder *f, const char *why)
{
    for (uint32_t i = 0; i < f->srcs_cnt; i++)
        block_builder_close(&f->src[i].builder);
    f->last_tick = FEEDER_NO_TICK;
    if (f->any) {
        f->last_tick = f->open_tick;
        say_tick(f, FEED_CLOSED, f->open_tick);
    }
    if (f->page.page)
        page_unref(f->conf.pool, f->page.page, 1);
    f->page.page = NULL;
    snprintf(f->error, sizeof f->error, "%s", why ? why : "");
    f->ended = true;
    atomic_store_explicit(&f->told, true, memory_order_release);
    feeder_reach(f, FEEDER_NO_TICK);
    say_tick(f, FEED_END, f->open_tick);
}

/* ---- a step ---------------------------------------------------------------------------------- */

static void set_waiting(struct feeder *f, bool waiting)
{
    __atomic_store_n(&f->n.waiting, waiting, __ATOMIC_RELAXED);
}

/* Memory is short. Pages come back as others let go; after a while we let go of ours too, and
 * again as often as it takes, for a try that fails half way may have taken some. */
static bool wait_on(struct feeder *f, uint64_t now_ns)
{
    if (!f->n.waiting) {
        set_waiting(f, true);
        TALLY(f->n.waits, 1);
        f->wait_since_ns = now_ns;
    }
    if (now_ns - f->wait_since_ns < PATIENCE_NS)
        return false;
    for (uint32_t i = 0; i < f->srcs_cnt; i++)
        block_builder_close(&f->src[i].builder);
    f->wait_since_ns = now_ns;
    return true;
}

static void stop_here(struct feeder *f)
{
    /* What some streams have has come. */
    if (f->item.there && f->recfile && f->item.next_src > 0)
        feeder_count_run(f);
    if (f->item.there && f->capture && f->item.best == FEED_TAKEN)
        feeder_count_frame(f);
    feeder_finish(f, NULL);
}

static void set_stand(struct feeder *f, enum feeder_stand stand)
{
    if (atomic_load_explicit(&f->stand, memory_order_relaxed) != (int)stand)
        atomic_store_explicit(&f->stand, stand, memory_order_relaxed);
}

enum feeder_stand feeder_stand(const struct feeder *f)
{
    return (enum feeder_stand)atomic_load_explicit(&f->stand, memory_order_relaxed);
}

/* So many pages are left to tasks and rows. What lies ahead of the interval that everything waits
 * for is read while there is plenty. */
static uint32_t pages_left_to_others(const struct feeder *f)
{
    const _Atomic uint64_t *oldest = f->conf.oldest_end_tick;
    bool ahead = oldest && f->open_tick > atomic_load_explicit(oldest, memory_order_relaxed);

    return ahead ? f->conf.pages_ahead : f->conf.pages_reserve;
}

bool feeder_step(struct feeder *f, uint64_t now_ns)
{
    enum feeder_did did = FEEDER_NO_MEMORY;

    f->behind = false;
    if (f->ended || !feeder_room(f))
        return false;
    if (atomic_load_explicit(&f->stopping, memory_order_relaxed)) {
        stop_here(f);
        return true;
    }
    if (pool_pages_free(f->conf.pool) >= pages_left_to_others(f))
        did = f->recfile ? feeder_step_records(f, now_ns) : feeder_step_frames(f, now_ns);
    set_stand(f, did == FEEDER_NO_MEMORY ? FEEDER_WAITS_FOR_MEMORY
                 : f->behind             ? FEEDER_WAITS_FOR_OTHERS
                                         : FEEDER_MOVES);
    if (did == FEEDER_NO_MEMORY)
        return wait_on(f, now_ns);
    set_waiting(f, false);
    return did == FEEDER_SOMETHING;
}

void feeder_stop(struct feeder *f)
{
    atomic_store_explicit(&f->stopping, true, memory_order_relaxed);
}

/* ---- views ----------------------------------------------------------------------------------- */

uint64_t feeder_first_tick(const struct feeder *f)
{
    return f->capture && !f->any ? FEEDER_NO_TICK : f->open_tick;
}

uint64_t feeder_last_tick(const struct feeder *f)
{
    return atomic_load_explicit(&f->told, memory_order_acquire) ? f->last_tick : FEEDER_NO_TICK;
}

const char *feeder_error(const struct feeder *f)
{
    return atomic_load_explicit(&f->told, memory_order_acquire) ? f->error : "";
}

void feeder_look(const struct feeder *f, struct feeder_view *v)
{
    const struct feeder_view *n = &f->n;
    const uint64_t *from = (const uint64_t *)&n->seen;
    uint64_t *to = (uint64_t *)&v->seen;

    look_at_packets(f, &v->packets);
    for (size_t i = 0; i < sizeof v->seen / sizeof *to; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    v->bytes = __atomic_load_n(&n->bytes, __ATOMIC_RELAXED);
    v->late = __atomic_load_n(&n->late, __ATOMIC_RELAXED);
    v->gaps = __atomic_load_n(&n->gaps, __ATOMIC_RELAXED);
    v->skipped_ticks = __atomic_load_n(&n->skipped_ticks, __ATOMIC_RELAXED);
    v->records = __atomic_load_n(&n->records, __ATOMIC_RELAXED);
    v->bad_times = __atomic_load_n(&n->bad_times, __ATOMIC_RELAXED);
    v->waits = __atomic_load_n(&n->waits, __ATOMIC_RELAXED);
    v->waiting = __atomic_load_n(&n->waiting, __ATOMIC_RELAXED);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static int src_init(struct feeder *f, uint32_t pos, char *err, size_t err_bytes)
{
    const struct feeder_conf *conf = &f->conf;
    const struct job_source *js = conf->stream[pos].source;
    struct feeder_src *s = &f->src[pos];
    struct block_builder_conf bc = {
        .mem = f->mem,
        .kind = js->type == SOURCE_TYPE_PACKETS ? BLOCK_PACKETS : BLOCK_RUNS,
        .schema_hash = type_hash(js->spec.type),
        .node = conf->node,
        .source = conf->stream[pos].stream_idx,
        .queue = conf->queue_idx,
        .boot_epoch = conf->boot_epoch,
        .rows_max = conf->rows_max,
        .bytes_max = conf->bytes_max,
        .sealed = on_sealed,
        .sealed_ctx = s,
    };

    *s = (struct feeder_src){
        .f = f,
        .pos = pos,
        .type = js->type,
        .listen = {.any = js->listen_any, .ip = js->listen_ip, .port = js->listen_port},
    };
    block_builder_init(&s->builder, &bc);
    f->srcs_cnt++;
    if (conf->records || js->type != SOURCE_TYPE_PACKETS || !js->filter)
        return 0;
    s->filter = filter_new(js->filter, err, err_bytes);
    return s->filter ? 0 : -EINVAL;
}

static int ring_init(struct feeder *f, char *err, size_t err_bytes)
{
    static _Atomic uint32_t names_cnt;
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof name, "mr_feed%u", atomic_fetch_add(&names_cnt, 1));
    f->ring = rte_ring_create_elem(name, sizeof(struct feed_msg), RING_MSGS, (int)rte_socket_id(),
                                   RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (f->ring)
        return 0;
    snprintf(err, err_bytes, "input '%s': not enough memory for its messages", f->conf.file);
    return -ENOMEM;
}

static int capture_init(struct feeder *f, char *err, size_t err_bytes)
{
    struct strbuf why = {0};

    f->capture = capture_open(f->conf.file, f->conf.loop, &why);
    if (!f->capture)
        snprintf(err, err_bytes, "%s", why.s);
    strbuf_release(&why);
    if (!f->capture)
        return -EINVAL;
    /* A capture that is damaged before its first frame is an empty one; the first step says so. */
    if (feeder_fetch_frame(f) == 1)
        f->any = true;
    f->open_tick = f->item.tick;
    return 0;
}

static int records_init(struct feeder *f, char *err, size_t err_bytes)
{
    struct strbuf why = {0};
    struct stat st;
    struct recfile_conf conf = {
        .path = f->conf.file,
        .format = &f->format,
        .rate = f->conf.rate,
        .start_ns = f->conf.start_ns,
    };

    MR_ASSERT(f->conf.stream[0].source->spec.kind == SOURCE_RECORDS);
    f->format = f->conf.stream[0].source->spec.format;
    f->open_tick = feeder_tick_of(f, f->conf.start_ns);
    if (f->conf.loop &&
        (strcmp(conf.path, "-") == 0 || stat(conf.path, &st) < 0 || !S_ISREG(st.st_mode))) {
        snprintf(err, err_bytes, "input '%s': only a regular file can be looped", conf.path);
        return -ESPIPE;
    }
    f->recfile = recfile_open(&conf, &why);
    if (!f->recfile)
        snprintf(err, err_bytes, "%s", why.s);
    strbuf_release(&why);
    return f->recfile ? 0 : -EINVAL;
}

struct feeder *feeder_new(const struct feeder_conf *conf, char *err, size_t err_bytes)
{
    struct feeder *f = calloc(1, sizeof *f);

    MR_ASSERT(conf->streams_cnt >= 1 && conf->streams_cnt <= FEEDER_STREAMS_MAX);
    MR_ASSERT(conf->tick_ns > 0);
    snprintf(err, err_bytes, "input '%s': out of memory", conf->file);
    if (!f)
        return NULL;
    f->conf = *conf;
    f->conf.file = strdup(conf->file);
    f->conf.rate = conf->rate ? conf->rate : FEEDER_RATE_DEFAULT;
    f->mem = pool_block_mem(conf->pool);
    f->next = f;
    int rc = f->conf.file ? ring_init(f, err, err_bytes) : -ENOMEM;
    for (uint32_t i = 0; i < conf->streams_cnt && rc == 0; i++)
        rc = src_init(f, i, err, err_bytes);
    if (rc == 0)
        rc = conf->records ? records_init(f, err, err_bytes) : capture_init(f, err, err_bytes);
    if (rc < 0) {
        feeder_free(f);
        return NULL;
    }
    feeder_align(f, f->open_tick);
    err[0] = '\0';
    return f;
}

void feeder_align(struct feeder *f, uint64_t first_tick)
{
    MR_ASSERT(first_tick <= f->open_tick || !f->any);
    f->open_tick = f->busy_tick = f->joined_tick = first_tick;
    atomic_store(&f->reached, first_tick);
}

void feeder_join(struct feeder *f, struct feeder *g)
{
    for (const struct feeder *p = f->next; p != f; p = p->next)
        if (p == g)
            return;
    if (f == g)
        return;
    struct feeder *next = f->next;
    f->next = g->next;
    g->next = next;
}

static void drain(struct feeder *f)
{
    struct feed_msg m;

    while (f->ring && feeder_recv(f, &m))
        if (m.kind == FEED_BLOCK)
            pool_block_release(f->conf.pool, m.block);
}

void feeder_free(struct feeder *f)
{
    if (!f)
        return;
    drain(f);
    for (uint32_t i = 0; i < f->srcs_cnt; i++) {
        block_builder_close(&f->src[i].builder);
        filter_free(f->src[i].filter);
    }
    drain(f);
    rte_ring_free(f->ring);
    if (f->page.page)
        page_unref(f->conf.pool, f->page.page, 1);
    if (f->capture)
        capture_close(f->capture);
    recfile_close(f->recfile);
    free((char *)f->conf.file);
    free(f);
}
