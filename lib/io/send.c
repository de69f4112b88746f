#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/send.h"
#include "io/send_udp.h"
#include "io/text.h"

#define EXIT_USAGE     78
#define EXIT_RESOURCE  69
#define SIZE_DEFAULT   1400u
#define RECORDS_PER_S  100u /* datagrams a second, at least, of a paced sender */
#define NS_PER_S       1000000000u
#define LENGTH_DEFAULT 2u
#define RATE_MAX       1000000000000u

static const char usage[] =
    "millrace send --to HOST:PORT [--rate R] [--loop] [--frames[=N]] [--size BYTES] [--count N] "
    "FILE|-\n"
    "  Sends the records of FILE (- is standard input) in UDP datagrams, many to a datagram.\n"
    "  --to HOST:PORT  where to, for example 10.0.0.1:9000 or [fe80::1%eth0]:9000\n"
    "  --rate R        records a second, for example 100, 10k, 1M (default: as fast as it goes)\n"
    "  --loop          at the end of the file, start again\n"
    "  --frames[=N]    records are frames, each behind its length of N bytes, big-endian: 1, 2\n"
    "                  or 4 (default 2); without it, lines\n"
    "  --size BYTES    of a datagram, at most (default 1400)\n"
    "  --count N       stop after N records\n";

struct send_args {
    const char *to, *file;
    uint64_t rate, count; /* 0: none */
    bool loop;
    uint32_t length_bytes, size;
};

struct send_totals {
    uint64_t records_cnt, datagrams_cnt, bytes, start_ns;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- pace ------------------------------------------------------------------------------------ */

uint64_t send_pace_due(struct send_pace *p, uint64_t now_ns)
{
    if (p->rate == 0)
        return now_ns;
    if (p->start_ns == 0)
        p->start_ns = now_ns;
    uint64_t due = p->start_ns + (uint64_t)((unsigned __int128)p->sent_cnt * NS_PER_S / p->rate);
    if (due + SEND_LATE_NS < now_ns) {
        p->start_ns = due = now_ns;
        p->sent_cnt = 0;
    }
    return due;
}

uint32_t send_pace_records(const struct send_pace *p)
{
    uint64_t n = p->rate / RECORDS_PER_S;

    if (p->rate == 0 || n > UINT32_MAX)
        return UINT32_MAX;
    return n ? (uint32_t)n : 1;
}

/* ---- arguments ------------------------------------------------------------------------------- */

int send_parse_rate(const char *s, uint64_t *rate)
{
    static const struct {
        char name;
        double factor;
    } unit[] = {{'k', 1e3}, {'K', 1e3}, {'M', 1e6}, {'G', 1e9}};
    char *end;

    if (*s < '0' || *s > '9')
        return -EINVAL;
    double v = strtod(s, &end);
    for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
        if (*end == unit[i].name) {
            v *= unit[i].factor;
            end++;
            break;
        }
    }
    if (strcmp(end, "/s") == 0)
        end += 2;
    if (*end || !(v >= 1) || v > (double)RATE_MAX)
        return -EINVAL;
    *rate = (uint64_t)v;
    return 0;
}

static int parse_uint_arg(const char *s, uint64_t low, uint64_t high, uint64_t *v)
{
    char *end;

    if (!s || *s < '0' || *s > '9')
        return -EINVAL;
    errno = 0;
    *v = strtoull(s, &end, 10);
    return errno || *end || *v < low || *v > high ? -EINVAL : 0;
}

static int bad_value(const char *option, const char *value, const char *wanted)
{
    fprintf(stderr, "send: %s '%s': %s\n", option, value, wanted);
    return -EINVAL;
}

static int parse_option(struct send_args *a, int option, const char *value)
{
    uint64_t v = LENGTH_DEFAULT;

    switch (option) {
    case 't': a->to = value; return 0;
    case 'l': a->loop = true; return 0;
    case 'r':
        if (send_parse_rate(value, &a->rate))
            return bad_value("--rate", value, "records a second, for example 100, 10k or 1M");
        return 0;
    case 'f':
        if (value && (parse_uint_arg(value, 1, 4, &v) || v == 3))
            return bad_value("--frames", value, "the length has 1, 2 or 4 bytes");
        a->length_bytes = (uint32_t)v;
        return 0;
    case 's':
        if (parse_uint_arg(value, 1, SEND_SIZE_MAX, &v))
            return bad_value("--size", value, "1 to 65507 bytes");
        a->size = (uint32_t)v;
        return 0;
    case 'c':
        if (parse_uint_arg(value, 1, UINT64_MAX, &a->count))
            return bad_value("--count", value, "a number of records, 1 or more");
        return 0;
    default: return -EINVAL; /* getopt has said why */
    }
}

/* Returns 0, 1 (help was asked for), or -EINVAL after a sentence. */
static int parse_args(struct send_args *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"to", required_argument, NULL, 't'},   {"rate", required_argument, NULL, 'r'},
        {"loop", no_argument, NULL, 'l'},       {"frames", optional_argument, NULL, 'f'},
        {"size", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    int option, rc;

    *a = (struct send_args){.size = SIZE_DEFAULT};
    optind = 0; /* start over: a program may call twice */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h')
            return 1;
        rc = parse_option(a, option, optarg);
        if (rc)
            return rc;
    }
    if (optind + 1 != argc || !a->to) {
        fputs(a->to ? "send: one FILE, or - for standard input, is needed\n"
                    : "send: --to HOST:PORT is needed\n",
              stderr);
        return -EINVAL;
    }
    a->file = argv[optind];
    return 0;
}

/* ---- sending --------------------------------------------------------------------------------- */

static int open_file(const struct send_args *a, struct send_cut *cut)
{
    struct stat st = {0};

    *cut = (struct send_cut){.loop = a->loop, .length_bytes = a->length_bytes, .size = a->size};
    cut->fd = strcmp(a->file, "-") == 0 ? STDIN_FILENO : open(a->file, O_RDONLY | O_CLOEXEC);
    int rc = cut->fd < 0 || fstat(cut->fd, &st) ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
    if (rc == 0 && a->loop && !S_ISREG(st.st_mode))
        rc = -ESPIPE;
    if (rc == 0)
        rc = send_cut_init(cut);
    if (rc)
        fprintf(stderr, "send: %s: %s\n", a->file,
                rc == -ESPIPE ? "only a regular file can be sent in a loop" : strerror(-rc));
    return rc;
}

/* Waits until the next record is due; false: a signal came. */
static bool wait_due(struct send_pace *pace)
{
    uint64_t due = send_pace_due(pace, clock_ns());
    struct timespec at = {.tv_sec = (time_t)(due / NS_PER_S), .tv_nsec = (long)(due % NS_PER_S)};

    if (pace->rate)
        while (!stop && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
            ;
    return !stop;
}

/* Collects the datagrams that are due, without reading. Returns what send_cut_next said last. */
static int collect(const struct send_args *a, struct send_cut *cut, struct send_pace *pace,
                   uint64_t records_cnt, struct datagram *d, uint32_t *n)
{
    uint64_t now = clock_ns();
    int rc = 1;

    for (*n = 0; *n < SEND_BATCH_MAX && rc == 1; *n += rc == 1) {
        uint32_t records_max = send_pace_records(pace);
        if (a->count && a->count - records_cnt < records_max)
            records_max = (uint32_t)(a->count - records_cnt);
        if (records_max == 0)
            return 0;
        if (*n && send_pace_due(pace, now) > now)
            break;
        rc = send_cut_next(cut, records_max, &d[*n]);
        if (rc == 1) {
            pace->sent_cnt += d[*n].records_cnt;
            records_cnt += d[*n].records_cnt;
        }
    }
    return rc;
}

static void say_skipped(const struct send_args *a, const struct send_cut *cut, bool *said)
{
    if (cut->skipped_cnt && !*said)
        fprintf(stderr,
                "send: a record is larger than a datagram of %u bytes, or cut off: left out\n",
                a->size);
    *said = cut->skipped_cnt != 0;
}

/* Reads on when that is what is missing. Returns 1 to go on, 0 at the end, or -errno. */
static int read_on(struct send_cut *cut, int rc)
{
    if (rc != -EAGAIN)
        return rc;
    rc = send_cut_read(cut);
    return rc == 0 || rc == -EINTR ? 1 : rc;
}

static int send_all(const struct send_args *a, struct send_cut *cut, struct send_udp *udp,
                    struct send_totals *t)
{
    struct send_pace pace = {.rate = a->rate};
    struct datagram d[SEND_BATCH_MAX];
    struct strbuf err = {0};
    bool said = false;
    uint32_t n;
    int rc = 1;

    while (rc > 0 && wait_due(&pace)) {
        rc = collect(a, cut, &pace, t->records_cnt, d, &n);
        int sent = send_udp_send(udp, d, n, &stop, &err);
        for (int i = 0; i < sent; i++) {
            t->datagrams_cnt++;
            t->records_cnt += d[i].records_cnt;
            t->bytes += d[i].len;
        }
        say_skipped(a, cut, &said);
        if (sent < 0) {
            fprintf(stderr, "send: %s\n", err.s);
            rc = sent;
            break;
        }
        rc = read_on(cut, rc);
        if (rc < 0)
            fprintf(stderr, "send: %s: %s\n", a->file, strerror(-rc));
    }
    strbuf_release(&err);
    return rc < 0 ? EXIT_RESOURCE : 0;
}

static void say_totals(const struct send_totals *t, const struct send_cut *cut,
                       const struct send_udp *udp)
{
    double seconds = (double)(clock_ns() - t->start_ns) / NS_PER_S;
    struct strbuf out = {0};

    strbuf_puts(&out, "send: ");
    text_put_cnt(&out, t->records_cnt);
    strbuf_puts(&out, " records in ");
    text_put_cnt(&out, t->datagrams_cnt);
    strbuf_puts(&out, " datagrams, ");
    text_put_cnt(&out, t->bytes);
    strbuf_printf(&out, " bytes, in %.2f s: ", seconds);
    text_put_cnt(&out, seconds > 0 ? (uint64_t)((double)t->records_cnt / seconds) : 0);
    strbuf_puts(&out, " records/s\n");
    if (cut->skipped_cnt)
        strbuf_printf(&out, "send: %llu records left out: larger than a datagram, or cut off\n",
                      (unsigned long long)cut->skipped_cnt);
    if (udp->refused_cnt)
        strbuf_printf(&out, "send: %llu times nobody listened there\n",
                      (unsigned long long)udp->refused_cnt);
    if (udp->full_cnt)
        strbuf_printf(&out, "send: waited %llu times for a full device queue\n",
                      (unsigned long long)udp->full_cnt);
    if (udp->unreached_cnt)
        strbuf_printf(&out, "send: waited %llu times for a way there\n",
                      (unsigned long long)udp->unreached_cnt);
    fputs(out.s, stderr);
    strbuf_release(&out);
}

static void take_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: a read ends too */

    stop = 0;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

int send_main(int argc, char **argv)
{
    struct send_totals totals = {0};
    struct strbuf err = {0};
    struct send_args args;
    struct send_udp udp;
    struct send_cut cut;
    int code = EXIT_RESOURCE;

    int rc = parse_args(&args, argc, argv);
    if (rc) {
        fputs(rc > 0 ? usage : "send: `millrace send --help` says how\n", rc > 0 ? stdout : stderr);
        return rc > 0 ? 0 : EXIT_USAGE;
    }
    rc = send_udp_open(&udp, args.to, args.size, &err);
    if (rc) {
        fprintf(stderr, "send: %s\n", err.s);
        code = rc == -EINVAL || rc == -EMSGSIZE ? EXIT_USAGE : EXIT_RESOURCE;
    } else if (open_file(&args, &cut) == 0) {
        take_signals();
        totals.start_ns = clock_ns();
        code = send_all(&args, &cut, &udp, &totals);
        say_totals(&totals, &cut, &udp);
        send_cut_release(&cut);
        if (cut.fd > STDIN_FILENO)
            close(cut.fd);
    }
    send_udp_close(&udp);
    strbuf_release(&err);
    return code;
}
