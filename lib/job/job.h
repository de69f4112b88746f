/*
 * A job: what a job file says, checked. And the appliance: what the appliance file says.
 *
 * job_load reads, parses and checks one file and reports every error at once into `diags`;
 * `check` and `run` call the same function. What it returns is complete: typed graph with
 * finished lambdas and names, sources with their formats, sinks. All of it lives in the job's
 * zone and is immutable afterwards.
 */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include "job/diag.h"
#include "rdd/dstream.h"
#include "rdd/rows.h"

/* What the language needs from outside. read_file adds the whole of a file to out and returns 0
 * or -errno; it is NULL until the shell sets it (lib/ opens no files), and only *_load need it. */
struct job_seams {
    const char *(*env)(const char *name); /* getenv unless set */
    int (*read_file)(const char *path, struct strbuf *out);
};

extern struct job_seams job_seams;

#define JOB_SOURCES_MAX 16u
#define JOB_SINKS_MAX   16u

enum source_type { SOURCE_TYPE_UDP, SOURCE_TYPE_PACKETS };

struct job_source {
    struct source_spec spec; /* spec.name is the id in the file */
    enum source_type type;
    struct place at;
    struct place port_at;
    const char *port;    /* appliance port name; NULL: fed by --input only */
    uint32_t queues;     /* 0: as many as the port has */
    bool listen_any;     /* udp: at any address */
    struct ip listen_ip; /* udp: at this one */
    uint16_t listen_port;
    const char *filter; /* packets: pcap filter expression, or NULL */
};

enum sink_type { SINK_CONSOLE, SINK_FILE };
enum sink_format { SINK_TABLE, SINK_JSONL, SINK_CSV };

struct job_sink {
    const char *name;
    enum sink_type type;
    enum sink_format format;
    struct place at;
    const char *path; /* file: folder */
    uint64_t roll_ns; /* file: 0: the interval or 1 s, whichever is longer */
};

struct job {
    struct zone zone;
    const char *file; /* path as given */
    const char *text; /* the file itself, for diagnostics of what is found later */
    size_t text_len;
    const char *name;
    uint64_t interval_ns;
    uint64_t slack_ns;
    uint32_t partitions; /* default 64 */
    bool map_start_at_boundary;
    uint32_t sources_cnt, sinks_cnt;
    bool sources_known, sinks_known; /* their keys could be read: while the program is checked */
    struct job_source source[JOB_SOURCES_MAX];
    struct job_sink sink[JOB_SINKS_MAX];
    struct dgraph graph;
};

/* job_load returns NULL when the file has errors (they are in d). Free with job_free.
 * filter_check, if not NULL, is called with each `filter:` expression and returns 0, or -EINVAL
 * with a sentence (libpcap lives above this room). */
struct job *job_load(const char *path, struct diags *d,
                     int (*filter_check)(const char *expr, char *err, size_t err_bytes));
/* job_parse is the same over text in memory. */
struct job *job_parse(const char *path, const char *text, size_t len, struct diags *d,
                      int (*filter_check)(const char *expr, char *err, size_t err_bytes));
void job_free(struct job *j);

/* The appliance file. */
#define PORTS_MAX         16u
#define LCORES_MAX        64u
#define PORT_QUEUES_LIMIT 32u /* receive queues of a port */

enum port_mode { PORT_HOST, PORT_MIRROR };
enum rss_mode { RSS_AUTO, RSS_SYMMETRIC };

struct port_conf {
    const char *name;   /* net0 */
    const char *device; /* "net_af_packet0,iface=eth1" or "0000:3b:00.0" */
    struct place at;
    uint32_t queues; /* default 1 */
    uint32_t rxd;    /* descriptors; 0: auto */
    enum port_mode mode;
    enum rss_mode rss;
    uint32_t mtu;      /* 0: the device's own */
    bool has_address;  /* host */
    struct ip address; /* host mode: answers ARP and ICMP echo */
};

enum idle_mode { IDLE_ADAPTIVE, IDLE_BUSY };

struct appliance {
    struct zone zone;
    const char *file;
    uint32_t ports_cnt;
    struct port_conf port[PORTS_MAX];
    bool all_on_one; /* lcores: { all: N } */
    uint32_t control;
    uint32_t ingest_cnt, workers_cnt;
    uint32_t ingest[LCORES_MAX], worker[LCORES_MAX];
    uint64_t blocks_bytes, state_bytes;
    enum idle_mode idle;
    const char *instance; /* EAL file prefix; default "millrace" */
};

struct appliance *appliance_load(const char *path, struct diags *d);
struct appliance *appliance_parse(const char *path, const char *text, size_t len, struct diags *d);
void appliance_free(struct appliance *a);

/* job_check_port reports a source that has no port, or whose port is not in the appliance, or has
 * fewer queues than it wants. Not to be asked of a source that a capture or a file feeds. */
void job_check_port(const struct job *j, uint32_t source_idx, const struct appliance *a,
                    struct diags *d);
/* job_check_ports asks it of all sources; of none when a is NULL (captures or files stand in for
 * the ports). */
void job_check_ports(const struct job *j, const struct appliance *a, struct diags *d);

/* job_list writes the documentation of what can be written: what is one of "sources", "sinks",
 * "operators", "functions", "fields", or NULL for all. Returns 0 or -EINVAL. */
int job_list(const char *what, struct strbuf *out);

#endif
