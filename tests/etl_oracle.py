#!/usr/bin/env python3
"""Compares what tests/etl_oracle.rs read from one ETL file with an independent reader.

  etl_oracle.py READER.py FILE.etl DUMP [TRUTH.jsonl]

READER.py is the independent reader (a module with Etl, Packets, NotEtl). With TRUTH the packets are compared with what
the generator of the file says it wrote; the reader sorts pieces of packets by time, which a synthetic file need not.
"""
import collections
import hashlib
import importlib.util
import json
import os
import sys

reader, path, dump = sys.argv[1:4]
truth = sys.argv[4] if len(sys.argv) > 4 else None
spec = importlib.util.spec_from_file_location("reader", reader)
o = importlib.util.module_from_spec(spec)
spec.loader.exec_module(o)
NO_GUID = "00000000-0000-0000-0000-000000000000"

mine_rows, mine_packets, mine_head = {}, [], None
for line in open(dump, encoding="utf-8"):
    word, rest = line.rstrip("\n").split(" ", 1)
    if word == "head":
        mine_head = rest
    elif word == "row":
        *key, count, first, last = rest.split(" ")
        mine_rows[tuple(key)] = (int(count), first, last)
    elif word == "packet":
        mine_packets.append(rest)


def ns(filetime):
    return (filetime - o.FT_UNIX) * 100


def fail(text):
    print("FAIL %s: %s" % (os.path.basename(path), text))
    sys.exit(1)


try:
    etl = o.Etl(path)
except o.NotEtl as ex:
    if mine_head != "refused":
        fail("the other reader refuses it (%s)" % ex)
    print("ok   %s: refused by both" % os.path.basename(path))
    sys.exit(0)

packets = o.Packets(etl)
rows, buffers, events = {}, 0, 0
for b in etl.buffers():
    buffers += 1
    d = etl.data(b)
    for e in etl.events(b, d):
        events += 1
        guid = o.guid_s(e.guid) if e.guid else NO_GUID
        key = tuple(map(str, (e.kind, guid, e.group or 0, e.id, e.ver, e.op if e.kind != "event" else 0)))
        row = rows.setdefault(key, [0, None, None])
        row[0] += 1
        if e.ts is not None:
            t = ns(etl.filetime(e.ts))
            row[1] = t if row[1] is None else min(row[1], t)
            row[2] = t if row[2] is None else max(row[2], t)
        if e.kind == "event":
            if e.guid == o.NDISCAP and e.id in (1001, 1002, 1003):
                packets.ndis(d, e)
            elif e.guid == o.PKTMON and e.id in (160, 170):
                packets.pktmon(d, e)
            elif e.guid == o.RASWAN and e.id in (5001, 5002):
                packets.ras(d, e)
packets.finish()

head = "buffers %d events %d" % (buffers, events)
if mine_head != head:
    fail("%s, the other reader has %s" % (mine_head, head))
shown = lambda t: "-" if t is None else str(t)
rows = {k: (n, shown(a), shown(z)) for k, (n, a, z) in rows.items()}
for k in sorted(set(rows) | set(mine_rows)):
    if rows.get(k) != mine_rows.get(k):
        fail("%s: %s, the other reader has %s" % (" ".join(k), mine_rows.get(k), rows.get(k)))

if truth:
    mine = [" ".join(p.split(" ")[:2] + p.split(" ")[3:5]) for p in mine_packets]
    other = ["%d %d %d %d" % (r["ts_ns"], r["len"], r["pid"], r["tid"]) for r in map(json.loads, open(truth))]
else:
    mine, other = mine_packets, []
    for r, data in packets.ordered():
        if r[9] == o.DLT_80211 and len(data) > 1 and data[1] & 0x40:
            data = data[:1] + bytes([data[1] & 0xBF]) + data[2:]
        drop = "%d,%d,%d" % (r[15], r[18], r[19]) if r[20] else "-"
        fields = (ns(r[1]), r[7], r[8], r[2], r[3], r[9], r[10], drop, hashlib.sha256(data).hexdigest())
        other.append(" ".join(map(str, fields)))
times = [int(p.split(" ")[0]) for p in mine_packets]
if times != sorted(times):
    fail("packets are not in time order")
if collections.Counter(mine) != collections.Counter(other):
    only = list((collections.Counter(mine) - collections.Counter(other)))[:2]
    missing = list((collections.Counter(other) - collections.Counter(mine)))[:2]
    fail("%d packets, the other reader has %d; only here %s, only there %s" % (len(mine), len(other), only, missing))
print("ok   %s: %s, %d kinds, %d packets" % (os.path.basename(path), head, len(rows), len(mine)))
