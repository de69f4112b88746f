/*
 * Microbenchmark of what ingest does with small packets: bench_packets. Bursts of 32 UDP packets of
 * 60 bytes, from buffers and into pages that go round as those of a queue do, at every SIMD level
 * of this CPU; the figure is nanoseconds for each packet, the least of many rounds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/simd.h"
#include "net/packet.h"
#include "net/packet_lay.h"
#include "perf/gen_frames.h"
#include "perf/micro.h"
#include "rdd/block.h"

#define BURST        32u
#define BUFFERS      1536u
#define BUFFER_BYTES 2304u
#define LIMIT        1514u
#define ROUNDS       200u

static struct packet_whole buffer[BUFFERS];
static uint8_t *rows, *bytes;

static void setup(void)
{
    struct gen_frames g;

    MR_ASSERT(!gen_frames_make(&g, "packets", BUFFERS, 1));
    uint8_t *at = aligned_alloc(64, (size_t)BUFFERS * BUFFER_BYTES);
    rows = aligned_alloc(64, PAGE_BYTES);
    bytes = aligned_alloc(64, PAGE_BYTES);
    MR_ASSERT(at && rows && bytes);
    for (uint32_t i = 0; i < BUFFERS; i++, at += BUFFER_BYTES) {
        memcpy(at, gen_frame(&g, i), g.bytes);
        buffer[i] = (struct packet_whole){at, g.bytes};
    }
    gen_frames_free(&g);
}

/* Fills a page of rows, and of bytes what belongs to them. Returns how many packets that were. */
static uint32_t fill_pages(void)
{
    struct packet_lay to = {.base = bytes, .frame_bytes_max = LIMIT};
    uint32_t cnt = 0;

    for (; (cnt + BURST) * sizeof(struct pkt) <= PAGE_BYTES; cnt += BURST) {
        const struct packet_whole *f = buffer + cnt % BUFFERS;

        if (to.off + BURST * f->len + PACKET_LAY_SLACK > PAGE_BYTES)
            to.off = 0;
        to.row = (struct pkt *)rows + cnt;
        MR_ASSERT(packet_lay_burst(&to, f, BURST) == BURST);
        to.off += BURST * f->len;
    }
    return cnt;
}

int main(void)
{
    setup();
    for (int level = SIMD_SCALAR; level < SIMD_AUTO; level++) {
        double best = 1e9;

        if (simd_init((enum simd_level)level))
            continue;
        for (uint32_t k = 0; k < ROUNDS; k++) {
            double from = now_ns();
            uint32_t cnt = fill_pages();
            double took = (now_ns() - from) / cnt;
            best = took < best ? took : best;
        }
        printf("packet_lay     %-8s %6.2f ns for each packet\n",
               simd_level_name((enum simd_level)level), best);
    }
    return 0;
}
