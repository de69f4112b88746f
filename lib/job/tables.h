/*
 * What can be written in an envelope: one table of keys for every mapping, one row for every type
 * of source, sink and format. The checks and `millrace list` read these tables and nothing else.
 */
#ifndef JOB_TABLES_H
#define JOB_TABLES_H

#include "job/conf.h"
#include "job/job.h"

/* A type of source or sink, or a format. Tables end with a row without a name. */
struct kind_desc {
    const char *name;
    const char *doc;
    const char *record; /* sources and formats: the record type, as it is shown */
    const struct key *keys;
};

extern const struct key job_keys[];
extern const struct key binary_field_keys[];
extern const struct kind_desc source_kinds[];   /* by enum source_type */
extern const struct kind_desc source_formats[]; /* by enum format_name */
extern const struct kind_desc sink_kinds[];     /* by enum sink_type */
extern const char *const source_kinds_later[], *const source_formats_later[],
                                                   *const sink_kinds_later[];

extern const struct key appliance_keys[], port_keys[], lcores_keys[], memory_keys[];

/* What `format:` says: tsv is FORMAT_CSV too. */
enum format_name { FMT_TEXT, FMT_CSV, FMT_TSV, FMT_BINARY, FMT_FRAMES };

/* Keys of each mapping, by place in its table. */
enum {
    JOB_NAME,
    JOB_INTERVAL,
    JOB_PARTITIONS,
    JOB_SLACK,
    JOB_MAP_START,
    JOB_SOURCES,
    JOB_PROGRAM,
    JOB_SINKS
};
enum {
    UDP_PORT,
    UDP_LISTEN,
    UDP_FORMAT,
    UDP_SCHEMA,
    UDP_SEPARATOR,
    UDP_HEADER,
    UDP_RECORD,
    UDP_LENGTH,
    UDP_QUEUES
};
enum { PACKETS_PORT, PACKETS_QUEUES, PACKETS_FILTER };
enum { FIELD_TYPE, FIELD_AT, FIELD_WIDTH, FIELD_ORDER, FIELD_SIGNED };
enum { CONSOLE_FORMAT };
enum { SINK_FILE_PATH, SINK_FILE_FORMAT, SINK_FILE_ROLL };

#define KEYS_MAX 32u

/* kind_names puts the names of a table into a NULL-terminated list of room for KEYS_MAX. */
void kind_names(const struct kind_desc *kinds, const char **list);

/* Readers of the envelope's parts. Each adds to the job what it could read; a source whose
 * record type is not known has spec.type NULL. */
typedef int (*filter_check)(const char *expr, char *err, size_t err_bytes);
void read_sources(struct conf *c, struct job *j, struct cnode *map, filter_check check);
void read_sinks(struct conf *c, struct job *j, struct cnode *map);
/* read_format reads the keys of a source's format; val is by UDP_*. Returns the record type or
 * NULL. */
const struct type *read_format(struct conf *c, struct cnode *source, struct cnode **val,
                               struct format *f);

#endif
