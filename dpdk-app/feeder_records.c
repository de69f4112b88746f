/* Runs of a file of records. */
#include <errno.h>
#include <stdio.h>

#include "base/assert.h"
#include "dpdk-app/feeder_impl.h"

#define LINE_BYTES 64u

/* The file is read straight into pages. One that starts again goes on in the page that it has. */
static bool give_page(struct feeder *f)
{
    struct feeder_page *pg = &f->page;
    uint32_t begin = pg->again ? (pg->used + LINE_BYTES - 1) & ~(LINE_BYTES - 1) : PAGE_BYTES;

    if (!pg->page || PAGE_BYTES - begin < RECFILE_PAGE_BYTES_MIN) {
        struct page *page = pool_get(f->conf.pool);

        if (!page)
            return false;
        if (pg->page)
            page_unref(f->conf.pool, pg->page, 1);
        pg->page = page;
        begin = 0;
    }
    pg->begin = begin;
    pg->again = false;
    recfile_page(f->recfile, pg->page->addr + begin, PAGE_BYTES - begin);
    return true;
}

/* At the end of the file: starts again, time going on by the number of the record. */
static bool start_again(struct feeder *f)
{
    uint64_t cnt = recfile_records(f->recfile);

    if (!f->conf.loop || cnt == 0)
        return false;
    recfile_rewind(f->recfile);
    f->records_begin += cnt;
    f->page.again = true;
    return true;
}

/* How many records from number n on belong to this tick. */
static uint64_t records_of_tick(const struct feeder *f, uint64_t tick, uint64_t n)
{
    int64_t end;

    if (__builtin_add_overflow(tick, 1, &end) || __builtin_mul_overflow(end, f->conf.tick_ns, &end))
        return UINT64_MAX;
    return recfile_records_before(f->recfile, end) - n;
}

/* With `pace`: how many records from number n on have their time behind them. */
static uint64_t records_due(struct feeder *f, uint64_t n, uint64_t now_ns)
{
    int64_t now;

    (void)capture_due_ns(&f->pace, recfile_time(f->recfile, n), now_ns);
    if (__builtin_add_overflow(f->pace.first_ts_ns, now_ns - f->pace.start_ns + 1, &now))
        return UINT64_MAX;
    uint64_t due = recfile_records_before(f->recfile, now);
    return due > n ? due - n : 0;
}

/* 1, 0 at the end, -EAGAIN, -ENOMEM: not now; else -errno, with a sentence. */
static int fetch(struct feeder *f, uint64_t now_ns, char *why, size_t why_bytes)
{
    uint64_t n = f->records_begin + recfile_records(f->recfile);
    struct feeder_item *it = &f->item;
    struct run run;
    int rc;

    it->tick = feeder_tick_of(f, recfile_time(f->recfile, n));
    uint64_t max = records_of_tick(f, it->tick, n);
    if (f->conf.pace) {
        feeder_reach(f, it->tick);
        uint64_t due = records_due(f, n, now_ns);
        max = due < max ? due : max;
    }
    if (max == 0)
        return -EAGAIN;
    while ((rc = recfile_next(f->recfile, max, &run, &it->records_cnt)) != 1) {
        if (rc == -ENOBUFS && !give_page(f))
            return -ENOMEM;
        if (rc == -ENOBUFS || (rc == 0 && start_again(f)))
            continue;
        if (rc < 0 && rc != -EAGAIN)
            snprintf(why, why_bytes, "%s", recfile_error(f->recfile));
        return rc;
    }
    const uint8_t *base = f->page.page->addr;
    it->run = (struct block_bytes){
        .at = base + f->page.begin + run.off,
        .len = run.len,
        .page = f->page.page,
        .page_base = base,
    };
    f->page.used = f->page.begin + run.off + run.len;
    it->there = true;
    it->next_src = 0;
    feeder_come(f);
    return 1;
}

static bool offer(struct feeder *f)
{
    struct feeder_item *it = &f->item;

    for (; it->next_src < f->srcs_cnt; it->next_src++) {
        struct block_builder *b = &f->src[it->next_src].builder;

        block_builder_begin(b, f->open_tick);
        if (!block_builder_add_run(b, &it->run))
            return false;
    }
    return true;
}

void feeder_count_run(struct feeder *f)
{
    TALLY(f->n.records, f->item.records_cnt);
    TALLY(f->n.bytes, f->item.run.len);
    f->item.there = false;
}

enum feeder_did feeder_step_records(struct feeder *f, uint64_t now_ns)
{
    struct feeder_item *it = &f->item;
    char why[sizeof f->error] = "";

    if (!it->there) {
        int rc = fetch(f, now_ns, why, sizeof why);
        if (rc == -EAGAIN)
            return FEEDER_NOTHING;
        if (rc == -ENOMEM)
            return FEEDER_NO_MEMORY;
        if (rc != 1) {
            feeder_finish(f, *why ? why : NULL);
            return FEEDER_SOMETHING;
        }
    }
    f->any = true;
    if (!feeder_enter(f))
        return FEEDER_NOTHING;
    if (!offer(f))
        return FEEDER_NO_MEMORY;
    feeder_count_run(f);
    return FEEDER_SOMETHING;
}
