#include "dpdk-app/port_args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// In front of a frame in net_af_packet's ring: header, address and alignment.
#define AF_PACKET_HEAD_BYTES 66u
#define FRAME_ALIGN          1024u
#define PAGE_SIZE_BYTES      4096u
#define BLOCK_FRAMES_MIN     4u
#define RING_FRAMES          4096u
#define RING_FRAMES_MIN      256u
#define RING_BYTES_MAX       (32u << 20)
#define FRAME_BYTES_MAX      64512u // what fits into a slot; longer ones (of lo) are cut, and counted
#define ETH_TAGS_BYTES       22u    // Ethernet and two VLAN tags

static bool is_driver(const char *device, const char *driver)
{
    return strncmp(device, driver, strlen(driver)) == 0;
}

int port_arg_find(const char *device, const char *key, char *buf, size_t bytes)
{
    size_t key_len = strlen(key);

    for (const char *p = strchr(device, ','); p; p = strchr(p, ',')) {
        p++;
        if (strncmp(p, key, key_len) != 0 || p[key_len] != '=')
            continue;
        const char *v = p + key_len + 1;
        int n = snprintf(buf, bytes, "%.*s", (int)strcspn(v, ","), v);
        return n < 0 || (size_t)n >= bytes ? -1 : n;
    }
    return -1;
}

static uint32_t arg_u32(const char *device, const char *key, uint32_t otherwise)
{
    char text[16];

    return port_arg_find(device, key, text, sizeof text) < 0 ? otherwise
                                                             : (uint32_t)strtoul(text, NULL, 10);
}

// EAL names a NIC by its whole address, however it was written: "3B:00.0" is "0000:3b:00.0".
static void pci_name(struct port_args *a, const char *device, size_t len)
{
    bool short_form = memchr(device, ':', len) == memrchr(device, ':', len);

    snprintf(a->name, sizeof a->name, "%s%.*s", short_form ? "0000:" : "", (int)len, device);
    for (char *c = a->name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

int port_args_parse(struct port_args *a, const char *device)
{
    size_t len = strcspn(device, ",");

    *a = (struct port_args){0};
    if (len == 0)
        return -EINVAL;
    if (len >= sizeof a->name)
        return -E2BIG;
    memcpy(a->name, device, len);
    a->pci = memchr(device, ':', len) != NULL && strncmp(device, "net_", 4) != 0;
    if (a->pci)
        pci_name(a, device, len);
    a->kernel_socket = is_driver(device, "net_af_packet") || is_driver(device, "eth_af_packet") ||
                       is_driver(device, "net_af_xdp");
    a->tap = is_driver(device, "net_tap");
    if (port_arg_find(device, "iface", a->ifname, sizeof a->ifname) < 0)
        a->ifname[0] = '\0';
    return 0;
}

static int append(struct port_args *a, const char *device, const char *key, uint32_t value)
{
    char text[16];
    size_t len = strlen(a->devargs);

    if (port_arg_find(device, key, text, sizeof text) >= 0)
        return 0;
    int n = snprintf(a->devargs + len, sizeof a->devargs - len, ",%s=%u", key, value);
    return n < 0 || (size_t)n >= sizeof a->devargs - len ? -E2BIG : 0;
}

// How many frames make a block that is a multiple of the page size.
static uint32_t block_frames(uint32_t frame_bytes)
{
    uint32_t frames = BLOCK_FRAMES_MIN;

    while (frames < PAGE_SIZE_BYTES && frames * frame_bytes % PAGE_SIZE_BYTES != 0)
        frames *= 2;
    return frames;
}

static int complete_af_packet(struct port_args *a, const char *device, uint32_t queues,
                              uint32_t mtu)
{
    uint32_t need = (mtu ? mtu : 1500) + ETH_TAGS_BYTES + AF_PACKET_HEAD_BYTES;
    uint32_t frame = need < 2 * FRAME_ALIGN ? 2 * FRAME_ALIGN
                                            : (need + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;

    frame = frame > FRAME_BYTES_MAX ? FRAME_BYTES_MAX : frame;
    a->frame_bytes = arg_u32(device, "framesz", frame);
    a->cut_bytes =
        a->frame_bytes > AF_PACKET_HEAD_BYTES ? a->frame_bytes - AF_PACKET_HEAD_BYTES : 0;
    uint32_t block = block_frames(a->frame_bytes), frames = RING_FRAMES;
    while (frames > RING_FRAMES_MIN && (uint64_t)frames * a->frame_bytes > RING_BYTES_MAX)
        frames /= 2;
    frames = (frames + block - 1) / block * block;
    int rc = append(a, device, "qpairs", queues);
    rc = rc ? rc : append(a, device, "framesz", frame);
    rc = rc ? rc : append(a, device, "blocksz", a->frame_bytes * block);
    return rc ? rc : append(a, device, "framecnt", frames);
}

int port_args_complete(struct port_args *a, const char *device, uint32_t queues, uint32_t mtu)
{
    int n = snprintf(a->devargs, sizeof a->devargs, "%s", device);

    if (n < 0 || (size_t)n >= sizeof a->devargs)
        return -E2BIG;
    if (is_driver(device, "net_af_packet") || is_driver(device, "eth_af_packet"))
        return complete_af_packet(a, device, queues, mtu);
    if (is_driver(device, "net_af_xdp"))
        return append(a, device, "queue_count", queues);
    if (is_driver(device, "net_memif"))
        a->ring_frames = 1u << (arg_u32(device, "rsize", 10) & 15);
    return 0;
}
