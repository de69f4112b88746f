#include "job/tables.h"

#define FOR(f) (1u << (f))

const struct key job_keys[] = {
    [JOB_NAME] = KEY("job", "a name", NULL, "what the job is called, in rows, files and counters",
                     .required = true),
    [JOB_INTERVAL] = KEY("interval", "a duration, 1ms to 1d", "1s",
                         "how long an interval is: every D-Stream has one RDD in each"),
    [JOB_PARTITIONS] = KEY("partitions", "1 to 1024", "64",
                           "into how many parts keyed data is cut: the tasks of a stage"),
    [JOB_SLACK] = KEY("slack", "0s", "0s",
                      "how long the end of an interval waits for late records; only 0s for now"),
    [JOB_MAP_START] = KEY("map_start", "sealed | boundary", "sealed",
                          "when map tasks start: as blocks are sealed, or after the interval"),
    [JOB_SOURCES] = KEY("sources", "{ name: { type: ..., ... }, ... }", NULL,
                        "what comes in: each name is a D-Stream of the program", .required = true),
    [JOB_PROGRAM] = KEY("program", "a block of text", NULL, "chains of operators, one to a line",
                        .required = true),
    [JOB_SINKS] = KEY("sinks", "{ name: { type: ..., ... }, ... }", NULL,
                      "where results go: each name may be given to output()"),
    KEY_LATER("tables"),
    KEY_LATER("tests"),
    KEY_LATER("checkpoint"),
    KEY_LATER("replicas"),
    KEY_LATER("speculation"),
    KEY_LATER("plugins"),
    KEYS_END,
};

#define KEY_PORT                                 \
    KEY("port", "a port of the appliance", NULL, \
        "where the packets come in; a source without one is fed with --input")
#define KEY_QUEUES \
    KEY("queues", "1 to 64", "those of the port", "how many queues of the port to take")
#define KEY_TYPE(types) \
    KEY("type", types, NULL, "which kind it is; decides the other keys", .required = true)
#define TYPES_OF_SOURCES "udp | packets"
#define TYPES_OF_SINKS   "console | file"

static const struct key udp_keys[] = {
    [UDP_PORT] = KEY_PORT,
    [UDP_LISTEN] = KEY("listen", "9000, 10.0.0.1:9000 or \"[::1]:9000\"", NULL,
                       "the UDP port, at any address or at one; needed with `port`"),
    [UDP_FORMAT] = KEY("format", "text | csv | tsv | binary | frames", "text",
                       "how the bytes of a datagram become records"),
    [UDP_SCHEMA] =
        KEY("schema", "{ name: type, ... }", NULL,
            "the fields of a record, in order; types: int, float, bool, string, time, ip",
            .formats = FOR(FMT_CSV) | FOR(FMT_TSV) | FOR(FMT_BINARY)),
    [UDP_SEPARATOR] = KEY("separator", "one character", "\",\"", "what stands between fields",
                          .formats = FOR(FMT_CSV)),
    [UDP_HEADER] =
        KEY("header", "true | false", "false", "the first line of a file names the fields",
            .formats = FOR(FMT_CSV) | FOR(FMT_TSV)),
    [UDP_RECORD] = KEY("record", "1 to 65536", "the end of the last field",
                       "the size of a record in bytes", .formats = FOR(FMT_BINARY)),
    [UDP_LENGTH] = KEY("length", "1, 2 or 4", "2",
                       "the size of the length (big-endian) before each record, in bytes",
                       .formats = FOR(FMT_FRAMES)),
    [UDP_QUEUES] = KEY_QUEUES,
    KEY_TYPE(TYPES_OF_SOURCES),
    KEYS_END,
};

static const struct key packets_keys[] = {
    [PACKETS_PORT] = KEY_PORT,
    [PACKETS_QUEUES] = KEY_QUEUES,
    [PACKETS_FILTER] = KEY("filter", "a pcap filter, \"tcp port 80\"", "every packet",
                           "which packets to take, in the words of tcpdump"),
    KEY_TYPE(TYPES_OF_SOURCES),
    KEYS_END,
};

const struct key binary_field_keys[] = {
    [FIELD_TYPE] = KEY("type", "int | float | bool | string | time | ip", NULL,
                       "what the program sees", .required = true),
    [FIELD_AT] = KEY("at", "a number of bytes", "behind the field before",
                     "where the field begins in the record"),
    [FIELD_WIDTH] = KEY("width", "1 to 8; float: 4, 8; ip: 4, 16; bool: 1; time: 8; string: any",
                        "8; ip: 4; bool: 1", "its size in bytes"),
    [FIELD_ORDER] = KEY("order", "big | little", "big", "byte order of an int, float or time"),
    [FIELD_SIGNED] = KEY("signed", "true | false", "false", "of an int"),
    KEYS_END,
};

const struct kind_desc source_kinds[] = {
    [SOURCE_TYPE_UDP] = {"udp", "records in UDP datagrams, many to a datagram",
                         "as its format says", udp_keys},
    [SOURCE_TYPE_PACKETS] = {"packets", "every packet of a port, its headers decoded",
                             "the fields of `millrace list fields`", packets_keys},
    {.name = NULL},
};

const struct kind_desc source_formats[] = {
    [FMT_TEXT] = {"text", "lines that end with LF or CR LF", "(line: string)", NULL},
    [FMT_CSV] = {"csv", "lines of fields, quoted as in RFC 4180", "as its schema says", NULL},
    [FMT_TSV] = {"tsv", "lines of fields with tabs between them, no quotes", "as its schema says",
                 NULL},
    [FMT_BINARY] = {"binary",
                    "records of one layout, schema: { id: { type: int, at: 0, width: 4 }, ... }",
                    "as its schema says", binary_field_keys},
    [FMT_FRAMES] = {"frames", "records of any bytes, each behind its length", "(frame: string)",
                    NULL},
    {.name = NULL},
};

static const struct key console_keys[] = {
    [CONSOLE_FORMAT] =
        KEY("format", "table | jsonl", "table", "a live table, or one JSON object for each row"),
    KEY_TYPE(TYPES_OF_SINKS),
    KEYS_END,
};

static const struct key file_keys[] = {
    [SINK_FILE_PATH] = KEY("path", "a folder", NULL, "each stream has a folder of its own in it",
                           .required = true),
    [SINK_FILE_FORMAT] = KEY("format", "jsonl | csv", "jsonl",
                             "one JSON object, or one line of fields, for each row"),
    [SINK_FILE_ROLL] = KEY("roll", "a duration, a multiple of the interval",
                           "the interval or 1s, whichever is longer",
                           "how much time a file covers before the next one begins"),
    KEY_TYPE(TYPES_OF_SINKS),
    KEYS_END,
};

const struct kind_desc sink_kinds[] = {
    [SINK_CONSOLE] = {"console", "standard output", NULL, console_keys},
    [SINK_FILE] = {"file", "files <path>/<stream>/<first interval>.jsonl or .csv", NULL, file_keys},
    {.name = NULL},
};

const char *const source_kinds_later[] = {"kafka", "flume", "kinesis", "tcp", "http",
                                          "files", "hdfs",  "s3",      NULL};
const char *const source_formats_later[] = {"json", "jsonl", NULL};
const char *const sink_kinds_later[] = {"postgresql", "http", "kafka", "hbase", "browser", NULL};

void kind_names(const struct kind_desc *kinds, const char **list)
{
    uint32_t n = 0;

    for (; kinds->name && n < KEYS_MAX - 1; kinds++)
        list[n++] = kinds->name;
    list[n] = NULL;
}
