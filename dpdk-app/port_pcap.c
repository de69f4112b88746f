// net_pcap with infinite_rx=1 loads its whole file into buffers of the queue at the start.
#include <stdio.h>
#include <string.h>

#include <pcap/pcap.h>

#include "dpdk-app/port_args.h"

uint32_t port_pcap_frames(const struct port_args *a)
{
    char file[512], infinite[8], err[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    uint32_t cnt = 0;

    if (strncmp(a->name, "net_pcap", 8) != 0 ||
        port_arg_find(a->devargs, "infinite_rx", infinite, sizeof infinite) < 0 ||
        strcmp(infinite, "1") != 0 || port_arg_find(a->devargs, "rx_pcap", file, sizeof file) < 0)
        return 0;
    pcap_t *pcap = pcap_open_offline(file, err);
    while (pcap && pcap_next_ex(pcap, &h, &bytes) == 1)
        cnt++;
    if (pcap)
        pcap_close(pcap);
    return cnt;
}
