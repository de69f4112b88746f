#include "dpdk-app/landing.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "base/assert.h"

#define LANDING_OPS "mr_landing"
// Slots begin on a cache line.
#define SLOT_ALIGN 64u
// A VLAN tag that is put back moves the front of a frame by this much.
#define TAG_BYTES 4u

static uint8_t *own_room(struct rte_mbuf *m)
{
    return (uint8_t *)(m + 1);
}

// The last reference of the landing goes when the page is neither current nor posted.
static void landing_leave(struct landing *l, struct page *pg)
{
    if (pg != l->page && pg->posted == 0)
        page_unref(l->pool, pg, 1);
}

static void landing_drop_page(struct landing *l)
{
    struct page *pg = l->page;

    l->page = NULL;
    if (pg)
        landing_leave(l, pg);
}

// landing_page sees to it that the current page has a free slot; false: there is no page.
static bool landing_page(struct landing *l)
{
    if (l->page && l->next_slot < l->slots_cnt)
        return true;
    landing_drop_page(l);
    struct page *pg = pool_get_on(l->pool, l->socket);
    if (!pg) {
        l->pages_refused++;
        return false;
    }
    MR_ASSERT(pg->posted == 0);
    l->page = pg;
    l->next_slot = 0;
    l->pages_taken++;
    return true;
}

// landing_slots points up to n headers at the next slots of one page; returns how many.
static uint32_t landing_slots(struct landing *l, void **obj, uint32_t n)
{
    if (!landing_page(l))
        return 0;
    uint32_t cnt = RTE_MIN(n, l->slots_cnt - l->next_slot), off = l->next_slot * l->stride_bytes;

    for (uint32_t i = 0; i < cnt; i++, off += l->stride_bytes) {
        struct rte_mbuf *m = obj[i];

        m->buf_addr = l->page->addr + off;
        m->buf_iova = l->page->iova + off;
    }
    l->next_slot += cnt;
    l->page->posted += cnt;
    return cnt;
}

// A header that has not pointed into a page since is as it should be.
static inline void landing_own_room(struct rte_mbuf *m)
{
    if (m->buf_addr == own_room(m))
        return;
    m->buf_addr = own_room(m);
    m->buf_iova = rte_mempool_virt2iova(m) + sizeof(struct rte_mbuf);
}

static void free_cnt_set(struct landing *l, uint32_t n)
{
    __atomic_store_n(&l->free_cnt, n, __ATOMIC_RELAXED); // telemetry looks at it
}

static int ops_dequeue(struct rte_mempool *mp, void **obj, unsigned n)
{
    struct landing *l = mp->pool_data;
    uint32_t left = l->free_cnt, done = 0, cnt;

    if (n > left)
        return -ENOBUFS;
    for (unsigned i = 0; i < n; i++)
        obj[i] = l->free[--left];
    free_cnt_set(l, left);
    // Without a page none of the burst's headers tries again.
    for (; l->in_pages && done < n && (cnt = landing_slots(l, obj + done, n - done)) > 0;)
        done += cnt;
    for (; done < n; done++)
        landing_own_room(obj[done]);
    return 0;
}

// Headers that pointed into a page, `cnt` of them.
static void page_unpost(struct landing *l, struct page *pg, uint32_t cnt)
{
    if (cnt == 0)
        return;
    MR_ASSERT(pg && pg->posted >= cnt);
    pg->posted -= cnt;
    landing_leave(l, pg);
}

static inline bool page_holds(const struct page *pg, const void *addr)
{
    return pg && (uintptr_t)addr - (uintptr_t)pg->addr < PAGE_BYTES;
}

// Headers come back in bursts, and those of a page mostly together.
static void headers_back(struct landing *l, struct rte_mbuf *const *mbuf, uint32_t n)
{
    struct page *pg = NULL;
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct rte_mbuf *m = mbuf[i];

        if (m->buf_addr != own_room(m)) {
            if (!page_holds(pg, m->buf_addr)) {
                page_unpost(l, pg, cnt);
                pg = pool_page_of(l->pool, m->buf_addr);
                cnt = 0;
            }
            cnt++;
        }
        l->free[l->free_cnt + i] = m;
    }
    page_unpost(l, pg, cnt);
    free_cnt_set(l, l->free_cnt + n);
}

static int ops_enqueue(struct rte_mempool *mp, void *const *obj, unsigned n)
{
    struct landing *l = mp->pool_data;

    if (l->ready) {
        headers_back(l, (struct rte_mbuf *const *)obj, n);
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        l->free[l->free_cnt + i] = obj[i];
    free_cnt_set(l, l->free_cnt + n);
    return 0;
}

// One whole packet of ours that nobody else holds: nothing of it needs to be reset.
static inline bool is_plain(const struct landing *l, const struct rte_mbuf *m)
{
    return m->pool == l->mempool && m->nb_segs == 1 && RTE_MBUF_DIRECT(m) &&
           rte_mbuf_refcnt_read(m) == 1;
}

void landing_free_burst(struct landing *l, struct rte_mbuf **mbuf, uint32_t n)
{
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && is_plain(l, mbuf[end]); end++)
            ;
        headers_back(l, mbuf + i, end - i);
        if (end < n)
            rte_pktmbuf_free(mbuf[end++]);
    }
}

static int ops_alloc(struct rte_mempool *mp)
{
    mp->pool_data = mp->pool_config;
    return 0;
}

static void ops_free(struct rte_mempool *mp)
{
    (void)mp;
}

static unsigned ops_count(const struct rte_mempool *mp)
{
    const struct landing *l = mp->pool_data;

    return __atomic_load_n(&l->free_cnt, __ATOMIC_RELAXED);
}

static const struct rte_mempool_ops landing_ops = {
    .name = LANDING_OPS,
    .alloc = ops_alloc,
    .free = ops_free,
    .enqueue = ops_enqueue,
    .dequeue = ops_dequeue,
    .get_count = ops_count,
};

RTE_MEMPOOL_REGISTER_OPS(landing_ops)

static int landing_populate(struct landing *l, const struct landing_conf *conf)
{
    struct rte_pktmbuf_pool_private priv = {
        .mbuf_data_room_size = (uint16_t)l->slot_bytes,
    };
    struct rte_mempool *mp = rte_mempool_create_empty(
        conf->name, conf->headers_cnt, (uint32_t)sizeof(struct rte_mbuf) + l->slot_bytes, 0,
        sizeof priv, conf->socket, RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET);

    if (!mp)
        return -rte_errno;
    l->mempool = mp;
    int rc = rte_mempool_set_ops_byname(mp, LANDING_OPS, l);
    if (rc < 0)
        return rc;
    rte_pktmbuf_pool_init(mp, &priv);
    rc = rte_mempool_populate_default(mp);
    if (rc < 0)
        return rc;
    rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
    l->ready = true;
    return 0;
}

struct landing *landing_new(const struct landing_conf *conf, char *err, size_t err_bytes)
{
    struct landing *l = rte_zmalloc_socket("landing", sizeof *l, 64, conf->socket);
    uint32_t slot_bytes =
        RTE_ALIGN_CEIL(conf->data_bytes + RTE_PKTMBUF_HEADROOM, (uint32_t)SLOT_ALIGN);

    if (!l || slot_bytes > UINT16_MAX) {
        snprintf(err, err_bytes, "%s: frames of %u bytes do not fit into a slot", conf->name,
                 conf->data_bytes);
        rte_free(l);
        return NULL;
    }
    l->pool = conf->pool;
    l->socket = conf->socket;
    l->slot_bytes = slot_bytes;
    l->frame_bytes = UINT32_MAX;
    l->stride_bytes = slot_bytes;
    if (conf->frame_bytes) {
        uint32_t stride = RTE_ALIGN_CEIL(conf->frame_bytes + TAG_BYTES, (uint32_t)SLOT_ALIGN);
        l->frame_bytes = conf->frame_bytes;
        l->stride_bytes = RTE_MIN(stride, slot_bytes);
    }
    l->slots_cnt = (PAGE_BYTES - slot_bytes) / l->stride_bytes + 1;
    l->free = rte_zmalloc_socket("landing", sizeof *l->free * conf->headers_cnt, 64, conf->socket);
    if (!l->free || landing_populate(l, conf) < 0) {
        snprintf(err, err_bytes,
                 "%s: not enough memory for %u headers of %u bytes: give EAL more, or lower rxd of "
                 "the port",
                 conf->name, conf->headers_cnt, slot_bytes);
        landing_free(l);
        return NULL;
    }
    return l;
}

void landing_free(struct landing *l)
{
    if (!l)
        return;
    l->in_pages = false; // the mempool takes all its headers out before it goes
    landing_drop_page(l);
    rte_mempool_free(l->mempool);
    rte_free(l->free);
    rte_free(l);
}
