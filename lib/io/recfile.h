/*
 * Files of records: what `--input SOURCE=FILE` (or `-`, standard input) feeds to a source in the
 * place of a port.
 *
 * Time. A file has none, so its records have that of a capture in which they came at `rate`
 * records a second from `start`: record n, counted from 0, at start + n / rate. An interval is
 * therefore a number of records, and recfile_next cuts exactly between two of them, whatever the
 * pieces in which the file is read. Every record counts, those too that the format will drop;
 * the header of a CSV file (format.header) is no record and is stepped over.
 *
 * Pages. The caller gives a page; the file is read into it, and runs of whole records of it come
 * back, of at most RECFILE_RUN_BYTES unless a single record is longer. When the page is used up,
 * what is left of it, the beginning of a record, is kept and begins the next page. A record
 * longer than FORMAT_WALK_BYTES is given by its first FORMAT_WALK_BYTES alone: too long for any
 * reader, it is dropped there as one record, with its reason; the rest is not given.
 *
 * Waiting. A regular file is read as it is asked for. A pipe or a terminal is never waited for:
 * -EAGAIN says that there is nothing now, and the caller goes on with its loop.
 */
#ifndef IO_RECFILE_H
#define IO_RECFILE_H

#include "base/strbuf.h"
#include "rdd/source.h"

#define RECFILE_RUN_BYTES      32768u
#define RECFILE_PAGE_BYTES_MIN (8 * RECORD_BYTES_MAX)

struct recfile;

struct recfile_conf {
    const char *path; /* "-": standard input */
    const struct format *format;
    uint64_t rate; /* records a second, 1 or more */
    int64_t start_ns;
};

/* recfile_open keeps conf->format. NULL with a sentence in err. */
struct recfile *recfile_open(const struct recfile_conf *conf, struct strbuf *err);
/* recfile_page gives the page that is read into from now on, of RECFILE_PAGE_BYTES_MIN or more.
 * It must stay until the next call, or as long as the runs are read. */
void recfile_page(struct recfile *f, uint8_t *page, uint32_t page_bytes);
/*
 * recfile_next gives the next run of the page, of at most records_max (1 or more) records.
 * Returns 1 and the run (run->off from the page's first byte) and its number of records;
 * 0: the file is at its end; -ENOBUFS: the page is used up, give another (the first too);
 * -EAGAIN: nothing can be read now; another -errno: with a sentence in recfile_error, and what
 * was given stands.
 */
int recfile_next(struct recfile *f, uint64_t records_max, struct run *run, uint32_t *records_cnt);
/* recfile_rewind: a regular file begins again, with its first record and a page to come. Takes no
 * memory. */
void recfile_rewind(struct recfile *f);
const char *recfile_error(const struct recfile *f);
/* recfile_records: how many records were given. */
uint64_t recfile_records(const struct recfile *f);
/* recfile_time: the time of record n; INT64_MAX when that is beyond all time. */
int64_t recfile_time(const struct recfile *f, uint64_t n);
/* recfile_records_before: how many records of the file have a time before t_ns. */
uint64_t recfile_records_before(const struct recfile *f, int64_t t_ns);
void recfile_close(struct recfile *f);

#endif
