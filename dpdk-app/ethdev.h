/*
 * rte_ethdev.h beside the contracts of lib/: it pulls in netinet/ip.h, whose struct ip (an IPv4
 * header) has the name of our address (rdd/vec.h). Include this instead.
 */
#ifndef DPDK_APP_ETHDEV_H
#define DPDK_APP_ETHDEV_H

#define ip netinet_ip
#include <rte_ethdev.h>
#undef ip

#endif
