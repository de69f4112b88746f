/*
 * Frames for a port, all of one size, made once:
 *
 *   text     datagrams to port 9000 of 14 records of 100 bytes (gen_text.h): 1,442 bytes
 *   keys:N   the same of 12 words a record, N distinct ones, all as frequent
 *   packets  UDP packets of 60 bytes (64 with the FCS), source addresses by Zipf over 10,000
 *
 * UDP checksums are 0 (not used), as a NIC would have checked them: software that sums 1,400 bytes
 * is another measurement. One seed is one set of frames everywhere.
 */
#ifndef PERF_GEN_FRAMES_H
#define PERF_GEN_FRAMES_H

#include <stdint.h>

#define GEN_FRAME_BYTES_MAX 1442u
#define GEN_SOURCES         10000u

struct gen_frames {
    uint32_t cnt, bytes; /* of each */
    uint32_t records;    /* in each */
    uint8_t *frame;      /* one behind the other */
};

/* gen_frames_make: 0, -EINVAL when `what` is none of the above, -ENOMEM. */
int gen_frames_make(struct gen_frames *f, const char *what, uint32_t cnt, uint64_t seed);
void gen_frames_free(struct gen_frames *f);

static inline const uint8_t *gen_frame(const struct gen_frames *f, uint64_t i)
{
    return f->frame + (i % f->cnt) * f->bytes;
}

#endif
