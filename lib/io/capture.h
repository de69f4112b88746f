/*
 * Captures: frames from a pcap or pcapng file, read by libpcap with nanosecond precision, one
 * after the other, in the order of the file and with their times, captured and wire lengths.
 *
 * Ethernet only; other link types are refused by name. A time that cannot be (before 1970, after
 * the year 2262) is replaced by the time of the frame before it and counted. Seconds of pcap
 * files are read as unsigned, as the format says: they last until 2106.
 *
 * Damage ends the capture: capture_next says where, and the frames before it stand.
 *
 * Looped, a capture starts again with time going on: every frame of round r has its own time
 * plus r x (span + gap), where span is the time from the oldest to the newest frame and gap the
 * average from one to the next (span / (frames - 1), at least 1 us). The order of the frames,
 * and how late they are, repeat with it.
 *
 * A capture belongs to one thread. Reading waits for the disk (or for the pipe, for "-").
 */
#ifndef IO_CAPTURE_H
#define IO_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct capture;

struct capture_frame {
    const uint8_t *bytes; /* until the next call */
    uint32_t cap_len;     /* bytes that are there */
    uint32_t wire_len;    /* at least cap_len */
    int64_t ts_ns;
};

/* capture_open: path "-" is standard input, which cannot loop. NULL with a sentence in err. */
struct capture *capture_open(const char *path, bool loop, struct strbuf *err);
/* capture_next: 1 and a frame; 0 at the end; -errno, with a sentence in capture_error. */
int capture_next(struct capture *c, struct capture_frame *f);
const char *capture_error(const struct capture *c);
/* capture_bad_times: frames whose time was replaced. */
uint64_t capture_bad_times(const struct capture *c);
void capture_close(struct capture *c);

/*
 * Pace: replaying with the times of the capture. The first frame is due at start_ns of some
 * clock, every other one as much later as it came later; one that is out of order is due at
 * once.
 */
struct capture_pace {
    bool started;
    int64_t first_ts_ns;
    uint64_t start_ns;
};

/* capture_due_ns: when a frame is due, on the clock of now_ns; the first call starts the pace. */
static inline uint64_t capture_due_ns(struct capture_pace *p, int64_t ts_ns, uint64_t now_ns)
{
    if (!p->started)
        *p = (struct capture_pace){.started = true, .first_ts_ns = ts_ns, .start_ns = now_ns};
    if (ts_ns <= p->first_ts_ns)
        return p->start_ns;
    return p->start_ns + ((uint64_t)ts_ns - (uint64_t)p->first_ts_ns);
}

#endif
