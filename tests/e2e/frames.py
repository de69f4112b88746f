"""Frames and captures made by hand: what comes in is written down beside the bytes, so that the
tests know what is to come out without decoding anything."""
import ipaddress
import struct

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
MAC_A, MAC_B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def inet_sum(data, start=0):
    if len(data) % 2:
        data += b"\0"
    total = start + sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ether(payload, kind, tags=(), src=MAC_A, dst=MAC_B):
    """tags: (tpid, priority, vlan id), the outer one first."""
    head = dst + src
    for tpid, priority, vid in tags:
        head += struct.pack(">HH", tpid, priority << 13 | vid)
    return (head + struct.pack(">H", kind) + payload).ljust(60, b"\0")


def ip4(payload, src, dst, proto, ttl=64, ident=1, tos=0, options=b"", flags=0, offset=0, spoil=0):
    """flags: 2 don't fragment, 1 more fragments; offset in bytes; spoil is added to the checksum."""
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH4s4s", 4 << 4 | words, tos, words * 4 + len(payload), ident,
                       flags << 13 | offset // 8, ttl, proto, 0, ipaddress.ip_address(src).packed,
                       ipaddress.ip_address(dst).packed) + options
    total = (~inet_sum(head) & 0xFFFF) ^ spoil
    return head[:10] + struct.pack(">H", total) + head[12:] + payload


def ip6(payload, src, dst, proto, hops=64, tos=0, flow=0, extensions=()):
    """extensions: (number, body without its first byte)."""
    numbers = [n for n, _ in extensions] + [proto]
    chain = b"".join(bytes([numbers[i + 1]]) + body for i, (_, body) in enumerate(extensions))
    return struct.pack(">IHBB", 6 << 28 | tos << 20 | flow, len(chain) + len(payload), numbers[0],
                       hops) + ipaddress.ip_address(src).packed + \
        ipaddress.ip_address(dst).packed + chain + payload


def pseudo(src, dst, proto, length):
    src, dst = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    if len(src) == 4:
        return src + dst + struct.pack(">BBH", 0, proto, length)
    return src + dst + struct.pack(">II", length, proto)


def udp(payload, src, dst, sport, dport, checksum="good"):
    """checksum: good, bad, none, or unfinished (left to the NIC)."""
    head = struct.pack(">HHH", sport, dport, 8 + len(payload))
    over = pseudo(src, dst, UDP, 8 + len(payload))
    value = {"good": ~inet_sum(over + head + b"\0\0" + payload) & 0xFFFF or 0xFFFF,
             "bad": (~inet_sum(over + head + b"\0\0" + payload) & 0xFFFF or 0xFFFF) ^ 0x0101,
             "none": 0, "unfinished": inet_sum(over)}[checksum]
    return head + struct.pack(">H", value) + payload


def tcp(payload, src, dst, sport, dport, seq=0, ack=0, flags=16, window=512, checksum="good"):
    head = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, window, 0, 0)
    over = pseudo(src, dst, TCP, 20 + len(payload))
    value = {"good": ~inet_sum(over + head + payload) & 0xFFFF,
             "bad": ~inet_sum(over + head + payload) & 0xFFFF ^ 0x0101,
             "unfinished": inet_sum(over)}[checksum]
    return head[:16] + struct.pack(">HH", value, 0) + payload


def icmp(payload, kind, code, ident, over=b""):
    """over: the pseudo header of ICMPv6."""
    head = struct.pack(">BBHHH", kind, code, 0, ident, 0)
    total = ~inet_sum(over + head + payload) & 0xFFFF
    return head[:2] + struct.pack(">H", total) + head[4:] + payload


def udp_frame(payload, src, dst, sport, dport, checksum="good", tags=()):
    datagram = udp(payload, src, dst, sport, dport, checksum)
    if ":" in src:
        return ether(ip6(datagram, src, dst, UDP), 0x86DD, tags)
    return ether(ip4(datagram, src, dst, UDP), 0x0800, tags)


# ---- conversations: which queue got which direction -------------------------------------------------
#
# Conversation c sends 4**c packets one way and twice as many back, so the count of a queue tells in
# base 4 which directions of which conversations it got: 3 is both.


def conversations(cnt):
    """Frames with numbered payloads; those one way go to port 9000, those back come from it."""
    for c in range(cnt):
        a, b = (f"10.1.{c}.{c * 37 + 5}", 1000 + 911 * c), (f"10.2.{c * 3}.9", 9000)
        for (src, sport), (dst, dport), times in ((a, b, 4 ** c), (b, a, 2 * 4 ** c)):
            for k in range(times):
                yield udp_frame(b"%07d\n" % k, src, dst, sport, dport)


def torn(queues, cnt):
    """The conversations that did not stay on one queue."""
    return [c for c in range(cnt) if any(q >> 2 * c & 3 not in (0, 3) for q in queues)]


# ---- captures: lists of (ns since 1970, bytes, bytes on the wire or None) ---------------------------


def pcap(frames, nano=True, order="<", link=1, snap=262144):
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for ts, frame, *wire in frames:
        seconds, ns = divmod(ts, 10**9)
        length = wire[0] if wire and wire[0] else len(frame)
        out.append(struct.pack(order + "IIII", seconds, ns if nano else ns // 1000,
                               len(frame[:snap]), length) + frame[:snap])
    return b"".join(out)


def pcapng(frames, order="<", link=1):
    """Two interfaces, of microseconds and of nanoseconds, that take turns."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + size + body + size
    out = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
           block(1, struct.pack(order + "HHI", link, 0, 0)),
           block(1, struct.pack(order + "HHIHHB3xHH", link, 0, 0, 9, 1, 9, 0, 0))]
    for i, (ts, frame, *wire) in enumerate(frames):
        nano = ts % 1000 != 0 or i % 2
        stamp = ts if nano else ts // 1000
        length = wire[0] if wire and wire[0] else len(frame)
        out.append(block(6, struct.pack(order + "IIIII", int(nano), stamp >> 32,
                                        stamp & 0xFFFFFFFF, len(frame), length) + frame))
    return b"".join(out)
