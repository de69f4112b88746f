#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/capture.h"

#define NS_PER_S     1000000000
#define GAP_MIN_NS   1000
#define BUFFER_BYTES 1048576u

struct capture {
    char *path;
    bool loop;
    FILE *file;
    pcap_t *pcap; /* owns file */
    bool is_pcap; /* not pcapng: seconds are 32 bits */
    int64_t last_ts_ns;
    uint64_t bad_times_cnt;
    /* of this round */
    uint64_t frames_cnt;
    int64_t oldest_ns, newest_ns;
    int64_t shift_ns; /* what the rounds before add to a time */
    bool ended;
    char error[PCAP_ERRBUF_SIZE + 256];
};

/* ---- opening --------------------------------------------------------------------------------- */

static int fail(struct capture *c, int err, const char *why)
{
    c->ended = true;
    snprintf(c->error, sizeof c->error, "capture '%s': %s", c->path, why);
    return err;
}

/* The first bytes of a pcapng file; a pcap file has one of four magics instead. */
static bool begins_as_pcapng(FILE *f)
{
    int c = getc(f);

    ungetc(c, f);
    return c == 0x0a;
}

static int check_link_type(struct capture *c)
{
    int dlt = pcap_datalink(c->pcap);
    const char *name = pcap_datalink_val_to_name(dlt);
    const char *doc = pcap_datalink_val_to_description(dlt);
    char why[256];

    if (dlt == DLT_EN10MB)
        return 0;
    if (name)
        snprintf(why, sizeof why, "its link type is %s (%s): only Ethernet (EN10MB) is read", name,
                 doc ? doc : "unnamed");
    else
        snprintf(why, sizeof why, "its link type is %d: only Ethernet (EN10MB) is read", dlt);
    return fail(c, -EPROTONOSUPPORT, why);
}

/* Opens the file at its first frame. */
static int open_round(struct capture *c)
{
    char why[PCAP_ERRBUF_SIZE] = "";

    c->frames_cnt = 0;
    c->file = strcmp(c->path, "-") == 0 ? stdin : fopen(c->path, "rbe");
    if (!c->file)
        return fail(c, -errno, strerror(errno));
    setvbuf(c->file, NULL, _IOFBF, BUFFER_BYTES);
    c->is_pcap = !begins_as_pcapng(c->file);
    c->pcap = pcap_fopen_offline_with_tstamp_precision(c->file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!c->pcap) {
        if (c->file != stdin)
            fclose(c->file);
        return fail(c, -EINVAL, why);
    }
    return check_link_type(c);
}

static bool can_loop(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

struct capture *capture_open(const char *path, bool loop, struct strbuf *err)
{
    struct capture *c = calloc(1, sizeof *c);

    if (c)
        c->path = strdup(path);
    if (!c || !c->path) {
        strbuf_printf(err, "capture '%s': out of memory", path);
        free(c);
        return NULL;
    }
    c->loop = loop;
    if (open_round(c) == 0 && loop && !can_loop(path))
        fail(c, -ESPIPE, "only a regular file can be looped");
    if (!c->ended)
        return c;
    strbuf_puts(err, c->error);
    capture_close(c);
    return NULL;
}

void capture_close(struct capture *c)
{
    if (c->pcap)
        pcap_close(c->pcap);
    free(c->path);
    free(c);
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* The frame's own time in ns, or that of the frame before it. */
static int64_t time_of(struct capture *c, const struct pcap_pkthdr *h)
{
    int64_t s = h->ts.tv_sec, ns = h->ts.tv_usec, t;

    if (c->is_pcap && s < 0)
        s += (int64_t)1 << 32;
    if (s < 0 || __builtin_mul_overflow(s, (int64_t)NS_PER_S, &t) ||
        __builtin_add_overflow(t, ns, &t) || t < 0) {
        c->bad_times_cnt++;
        return c->last_ts_ns;
    }
    c->last_ts_ns = t;
    return t;
}

static void note_time(struct capture *c, int64_t t)
{
    if (c->frames_cnt == 0) {
        c->oldest_ns = c->newest_ns = t;
    } else {
        c->oldest_ns = t < c->oldest_ns ? t : c->oldest_ns;
        c->newest_ns = t > c->newest_ns ? t : c->newest_ns;
    }
    c->frames_cnt++;
}

/* Starts again; false when there is nothing to repeat or time has come to its end. */
static bool next_round(struct capture *c)
{
    int64_t span = c->newest_ns - c->oldest_ns, gap = GAP_MIN_NS, newest;

    if (!c->loop || c->frames_cnt == 0)
        return false;
    if (c->frames_cnt > 1 && span / (int64_t)(c->frames_cnt - 1) > gap)
        gap = span / (int64_t)(c->frames_cnt - 1);
    if (__builtin_add_overflow(c->shift_ns, span + gap, &c->shift_ns) ||
        __builtin_add_overflow(c->newest_ns, c->shift_ns, &newest))
        return false;
    pcap_close(c->pcap);
    c->pcap = NULL;
    c->last_ts_ns = 0;
    return open_round(c) == 0;
}

static int damaged(struct capture *c)
{
    char why[PCAP_ERRBUF_SIZE + 128];

    snprintf(why, sizeof why, "damaged after frame %llu: %s. The frames before it stand",
             (unsigned long long)c->frames_cnt, pcap_geterr(c->pcap));
    return fail(c, -EBADMSG, why);
}

int capture_next(struct capture *c, struct capture_frame *f)
{
    struct pcap_pkthdr *h;
    const u_char *bytes;
    int rc;

    if (c->ended)
        return 0;
    while ((rc = pcap_next_ex(c->pcap, &h, &bytes)) == PCAP_ERROR_BREAK) {
        if (!next_round(c)) {
            rc = c->ended ? -EIO : 0; /* the file has changed under us: c->error says how */
            c->ended = true;
            return rc;
        }
    }
    if (rc != 1)
        return damaged(c);
    int64_t t = time_of(c, h);
    note_time(c, t);
    f->bytes = bytes;
    f->cap_len = h->caplen;
    f->wire_len = h->len > h->caplen ? h->len : h->caplen;
    f->ts_ns = t + c->shift_ns;
    return 1;
}

const char *capture_error(const struct capture *c)
{
    return c->error;
}

uint64_t capture_bad_times(const struct capture *c)
{
    return c->bad_times_cnt;
}
