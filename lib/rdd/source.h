/*
 * Sources, as the data path sees them: what a row of an input block is and how it becomes the
 * columns of a vector.
 *
 * An input block is an index of rows and the bytes behind it.
 *   - SOURCE_RECORDS (udp, files of records): each index row is a run: the payload of one
 *     datagram, or a piece of a file that ends at a record boundary. The format cuts it into
 *     records when a task reads it.
 *   - SOURCE_PACKETS: each index row is a decoded packet (net/packet.h wrote it at the burst);
 *     a field is decoded when a task reads it.
 *
 * A source's `type` is the record type that programs see. Decoding is lazy: only the columns
 * that the program reads (`want`) are made.
 */
#ifndef RDD_SOURCE_H
#define RDD_SOURCE_H

#include "rdd/vec.h"

enum source_kind { SOURCE_RECORDS, SOURCE_PACKETS };

enum format_kind { FORMAT_TEXT, FORMAT_CSV, FORMAT_BINARY, FORMAT_FRAMES };

enum binary_kind { BINARY_INT, BINARY_UINT, BINARY_FLOAT, BINARY_IP4, BINARY_IP6, BINARY_BYTES };

/* A field of a schema (csv, binary). */
struct format_field {
    const char *name;
    enum type_kind type;
    /* binary only */
    enum binary_kind binary;
    uint32_t offset, width; /* bytes */
    bool big_endian;
};

struct format {
    enum format_kind kind;
    uint8_t separator;     /* csv: ',' or another byte; tsv is csv with '\t' and no quotes */
    bool quotes;           /* csv: RFC 4180 quoting */
    bool header;           /* csv files: the first record is a header */
    uint32_t record_bytes; /* binary: size of a record */
    uint32_t length_bytes; /* frames: size of the length prefix: 1, 2 or 4 (big-endian) */
    uint32_t fields_cnt;
    const struct format_field *field;
};

struct source_spec {
    const char *name;
    enum source_kind kind;
    const struct type *type; /* record type seen by the program */
    struct format format;    /* SOURCE_RECORDS */
};

/* What a row of a packets block is: 48 bytes, written once at the burst (net/packet.h). Offsets
 * are from the start of the frame; 0 means "not there".
 *   - PKT_IP4: a sound IPv4 header with its options is captured; PKT_IP6: a sound IPv6 header.
 *   - Layer 4 is [l4_off, payload_off) and the payload [payload_off, payload_off + payload_len):
 *     both end with the IP packet, never with the padding of the frame. What is cut shortens
 *     them; a protocol that is not decoded has an empty layer-4 header.
 *   - PKT_TCP, PKT_UDP, PKT_ICMP: the whole fixed header (20, 8, 8 bytes) is captured.
 *   - PKT_SUM_*: only in rows whose maker asked for them (packet_mark_sum); the field
 *     checksum_ok looks at the bytes itself. */
#define PKT_IP4            0x0001u
#define PKT_IP6            0x0002u
#define PKT_FRAGMENT       0x0004u /* any fragment, the first included */
#define PKT_LATER_FRAGMENT 0x0008u /* has no layer-4 header */
#define PKT_TCP            0x0010u
#define PKT_UDP            0x0020u
#define PKT_ICMP           0x0040u /* ICMP or ICMPv6 */
#define PKT_TUNNEL         0x0080u /* carries a known tunnel; decoded as its outer packet */
#define PKT_SUM_BAD        0x0100u
#define PKT_SUM_UNFINISHED 0x0200u /* equals its pseudo-header sum: offload not done */
#define PKT_VLAN           0x0400u
#define PKT_QINQ           0x0800u
#define PKT_MERGED         0x1000u /* larger than the wire allows: GRO/LRO */
#define PKT_CUT            0x2000u /* captured shorter than the headers say */

struct pkt {
    int64_t ts_ns;
    uint32_t off;      /* of the frame's first byte from the base of the block */
    uint32_t cap_len;  /* bytes that are there */
    uint32_t wire_len; /* bytes on the wire */
    uint16_t l3_off, l4_off, payload_off;
    uint16_t payload_len; /* saturates at 65535; of what is captured */
    uint16_t flags;       /* PKT_* */
    uint16_t ether_type;  /* of the innermost VLAN */
    uint16_t vlan, vlan2; /* TCI of outer and inner tag */
    uint8_t ip_proto;     /* layer 4 protocol, after extension headers */
    uint8_t tunnel;       /* enum pkt_tunnel */
    uint8_t pad[10];      /* 0: rows are compared and recorded as bytes */
};

_Static_assert(sizeof(struct pkt) == 48, "a packet row is 48 bytes");

/* Tunnels that are recognised; counted by name, decoded as their outer packet. */
enum pkt_tunnel {
    PKT_TUNNEL_NONE,
    PKT_TUNNEL_GRE,
    PKT_TUNNEL_VXLAN,
    PKT_TUNNEL_VXLAN_GPE,
    PKT_TUNNEL_GENEVE,
    PKT_TUNNEL_IPIP,
    PKT_TUNNEL_6IN4,
    PKT_TUNNEL_4IN6,
    PKT_TUNNEL_6IN6,
    PKT_TUNNEL_ESP,
    PKT_TUNNEL_ESP_UDP,
    PKT_TUNNEL_GTP_U,
    PKT_TUNNEL_L2TP,
    PKT_TUNNEL_TEREDO,
    PKT_TUNNEL_ETHERIP,
    PKT_TUNNEL_MPLS,
    PKT_TUNNEL_PPPOE,
    PKT_TUNNELS_CNT,
};

/* "", "gre", "vxlan", ... */
extern const char *const pkt_tunnel_name[PKT_TUNNELS_CNT];

/* A run of record bytes: a row of a SOURCE_RECORDS block. */
struct run {
    uint32_t off; /* from the base of the block */
    uint32_t len;
};

/* Reasons for which a record of a source is dropped; one counter each. */
enum record_drop {
    RECORD_TOO_LONG,  /* longer than RECORD_BYTES_MAX */
    RECORD_CUT,       /* frames: length runs past the datagram; binary: bytes left over */
    RECORD_FIELDS,    /* csv: too few or too many fields */
    RECORD_BAD_VALUE, /* a field does not parse as its type */
    RECORD_BAD_QUOTE, /* csv: quoting damaged */
    RECORD_DROPS_CNT,
};

extern const char *const record_drop_name[RECORD_DROPS_CNT];

struct source_counters {
    uint64_t offered;                   /* records found */
    uint64_t dropped[RECORD_DROPS_CNT]; /* offered = decoded + dropped */
    uint64_t bytes;
};

/* source_finds: does its reader make use of needles? */
static inline bool source_finds(const struct source_spec *s)
{
    return s->kind == SOURCE_RECORDS && s->format.kind == FORMAT_TEXT;
}

struct needle_set;
struct sieve;

/* format_binary_sieves: does its reader make use of the sieve where these columns are read (NULL:
 * all)? */
bool format_binary_sieves(const struct format *format, const struct sieve *sieve, const bool *want);
/* source_sieves: does the reader of a source? */
static inline bool source_sieves(const struct source_spec *s, const struct sieve *sieve,
                                 const bool *want)
{
    return s->kind == SOURCE_RECORDS && s->format.kind == FORMAT_BINARY &&
           format_binary_sieves(&s->format, sieve, want);
}

/*
 * A reader walks one input block and gives vectors. It is resumable: it keeps the position
 * (row of the index, byte inside the run), so a task can stop between vectors.
 */
struct source_reader {
    const struct source_spec *spec;
    const void *index; /* struct run[] or struct pkt[] */
    const uint8_t *base;
    uint32_t rows_cnt;
    uint32_t row;     /* next index row */
    uint32_t pos;     /* next byte inside that run */
    uint64_t ord_hi;  /* of the block */
    uint64_t ord_lo;  /* of the next record */
    const bool *want; /* by leaf: is the column read? NULL: all */
    struct source_counters *counters;
    /* Lines of text without one of them may be counted without being made rows; NULL: none may.
     * Set between init and the first vector, where the column is wanted. */
    const struct needle_set *needles;
    const struct sieve *sieve; /* records that it does not keep likewise; NULL: none may */
    bool held;                 /* the last vector has only rows that the first filter keeps */
    uint32_t plain_left;       /* vectors to read without regard to them, which costs less now */
    bool runs_apart;           /* runs are swept one by one (format_text_find.c) */
    uint32_t took;             /* bytes, by the last vector of what a sieve kept */
    struct ahead ahead;        /* of the vector that was read last */
    /* shown is called for the first few dropped records of each kind (--show-dropped); may be
     * NULL. */
    void (*shown)(void *ctx, enum record_drop why, const uint8_t *bytes, uint32_t len);
    void *shown_ctx;
};

void source_reader_init(struct source_reader *r, const struct source_spec *spec, const void *index,
                        uint32_t rows_cnt, const uint8_t *base, uint64_t ord_hi, const bool *want,
                        struct source_counters *counters);
/*
 * source_read gives the next vector: up to VEC_ROWS_MAX records and about VEC_BYTES_MAX bytes,
 * those that are dropped included, so that bad input does not make a step longer. Of text of which
 * most lines are only counted (needles) it is some times as much; of records that a sieve sorts out
 * it is so many bytes, or rows that are kept. Columns not wanted have kind set and arrays NULL.
 * out->col has room for the leaves of the type. Returns 1 and a vector (without a row alive, when
 * all its records were dropped), 0 when the block is read to its end, or -ENOMEM when the arena is
 * too small.
 */
int source_read(struct source_reader *r, struct vec *out, struct arena *a);

/* What is read for a field. */
enum packet_reach {
    PACKET_ROW,     /* the row of the index alone */
    PACKET_HEADERS, /* headers of the frame too */
    PACKET_WHOLE,   /* all of the frame */
};

/* The fields of a packet, in the order of the record type of `packets`. */
struct packet_field {
    const char *name;
    enum type_kind type;
    const char *doc;
    enum packet_reach reach;
    /* One of the two. A field that a packet does not have is 0, "", or :: .
     * fill: rows at to at + n - 1 of c, which has room, from the packet rows p[0..n-1] over base.
     * text: makes c of them, rows 0 to n - 1. */
    void (*fill)(struct col *c, uint32_t at, const struct pkt *p, uint32_t n, const uint8_t *base);
    int (*text)(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                struct arena *a);
};

extern const struct packet_field packet_fields[];
extern const uint32_t packet_fields_cnt;
/* packet_field_read makes c of the packet rows p[0..n-1] over base. Returns 0 or -ENOMEM. */
int packet_field_read(const struct packet_field *f, struct col *c, const struct pkt *p, uint32_t n,
                      const uint8_t *base, struct arena *a);
/* packets_type: the record type made of packet_fields. */
const struct type *packets_type(struct zone *z);

#endif
