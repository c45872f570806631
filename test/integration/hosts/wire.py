"""A bad wire: carries Ethernet frames between two network namespaces, loses some and delays the rest.

wire.py PID DEVICE PID DEVICE LOSS_PERCENT DELAY_MS: makes a tap device in the namespace of each process, says "up", and
works until its standard input ends; then it says how many it has lost. Which frames are lost is the same in each run for the same frames in the same order."""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
WAITING_MAX = 1000  # frames; more are lost, as in any switch
libc = ctypes.CDLL(None, use_errno=True)


def tap(pid, name):
    with open(f"/proc/{pid}/ns/net") as place:
        if libc.setns(place.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def main():
    ends = [tap(sys.argv[1], sys.argv[2]), tap(sys.argv[3], sys.argv[4])]
    loss, delay = float(sys.argv[5]) / 100, float(sys.argv[6]) / 1000
    dice = random.Random(5)
    waiting, number, lost = [], 0, 0
    print("up", flush=True)
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([*ends, sys.stdin], [], [], pause)
        if sys.stdin in readable and not sys.stdin.read(1):
            print(lost, flush=True)
            return
        for i, end in enumerate(ends):
            if end not in readable:
                continue
            try:
                frame = os.read(end, 65536)
            except OSError:  # the device is down
                continue
            if dice.random() < loss or len(waiting) >= WAITING_MAX:
                lost += 1
            else:
                number += 1
                heapq.heappush(waiting, (time.monotonic() + delay, number, ends[1 - i], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(waiting)
            try:
                os.write(end, frame)
            except OSError:
                pass


main()
