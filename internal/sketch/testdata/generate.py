"""Makes vectors.json from the Python package, and proves that it reads our bytes.

    pip install datasketches==5.2.0
    python generate.py                       # writes vectors.json
    SKETCH_OUT=/tmp/ours.json go test -run TestVectors ..
    python generate.py /tmp/ours.json        # writes readback.json: what Python makes of the bytes that Go wrote

A vector is a union of parts. A part adds the visitors pattern % i for i from first to first + count - 1 to one sketch and
writes it as target, compact or updatable.
"""
import base64
import json
import sys

import datasketches as ds

TARGETS = {"hll4": ds.tgt_hll_type.HLL_4, "hll6": ds.tgt_hll_type.HLL_6, "hll8": ds.tgt_hll_type.HLL_8}


def part(pattern, first, count, target="hll8", form="compact"):
    return {"pattern": pattern, "first": first, "count": count, "target": target, "form": form}


def cases():
    for n in (0, 1, 5, 7, 8, 9, 24, 25, 100, 384, 385, 1000, 5000, 12000, 20000, 200000):
        yield f"{n} users", [part("user-%d", 0, n)]
    yield "not ASCII", [part("Größe-%d-日本-🙂", 0, 3000)]
    yield "short ids", [part("%d", 0, 300)]
    yield "ids of 31 bytes", [part("0123456789abcdef0123456789%05d", 0, 700)]
    for n in (5, 100, 384, 5000, 300000):
        for target in TARGETS:
            for form in ("compact", "updatable"):
                yield f"{n} users, {target} {form}", [part("user-%d", 0, n, target, form)]
    yield "union of lists", [part("user-%d", 0, 4), part("user-%d", 2, 5)]
    yield "union of sets that stays a set", [part("user-%d", 0, 300), part("user-%d", 100, 284)]
    yield "union of sets with 385", [part("user-%d", 0, 300), part("user-%d", 100, 285)]
    yield "union of set and registers", [part("user-%d", 0, 5000), part("other-%d", 0, 100)]
    yield "union of days", [part("user-%d", i * 700, 1500, t, f) for i, (t, f) in enumerate(
        (t, f) for t in TARGETS for f in ("compact", "updatable"))]
    yield "union with much in common", [part("user-%d", 0, 9000), part("user-%d", 3000, 9000)]


def build(p):
    sketch = ds.hll_sketch(12, TARGETS[p["target"]])
    for i in range(p["first"], p["first"] + p["count"]):
        sketch.update(p["pattern"] % i)
    return sketch.serialize_compact() if p["form"] == "compact" else sketch.serialize_updatable()


def without_history(data):
    """The union's flag 16 makes Python give the composite estimate for registers, as a union of several would."""
    data = bytearray(data)
    if data[7] & 3 == 2:
        data[5] |= 16
    return bytes(data)


def numbers(sketch):
    return {"estimate": sketch.get_estimate(), "low": sketch.get_lower_bound(2), "high": sketch.get_upper_bound(2)}


def vector(name, parts):
    union = ds.hll_union(12)
    for p in parts:
        p["bytes"] = build(p)
        union.update(ds.hll_sketch.deserialize(p["bytes"]))
        p["bytes"] = base64.b64encode(p["bytes"]).decode()
    result = without_history(union.get_result(ds.tgt_hll_type.HLL_8).serialize_compact())
    return {"name": name, "parts": parts, "union": base64.b64encode(result).decode(), **numbers(ds.hll_sketch.deserialize(result))}


def read_back(path):
    """Reads what Go wrote; then adds a visitor and unites it, to see that the sketch lives on."""
    out = []
    with open(path) as f:
        ours = json.load(f)
    for one in ours:
        data = base64.b64decode(one["bytes"])
        sketch = ds.hll_sketch.deserialize(data)
        union = ds.hll_union(12)
        union.update(sketch)
        union.update("one more")
        out.append({"name": one["name"], "sha256": one["sha256"], **numbers(sketch), "one_more": ds.hll_sketch.deserialize(without_history(union.get_result(ds.tgt_hll_type.HLL_8).serialize_compact())).get_estimate()})
    return out


def write(name, value):
    with open(name, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(v) for v in value) + "\n]\n")


if len(sys.argv) > 1:
    write("readback.json", read_back(sys.argv[1]))
else:
    write("vectors.json", [vector(*c) for c in cases()])
