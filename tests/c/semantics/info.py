"""Reads the document that info.c had malloc_info write: well-formed, and its figures fit each other and the program."""

import sys
import xml.etree.ElementTree as tree

root = tree.parse(sys.argv[1]).getroot()
wrong = []


def check(so, what):
    if not so:
        wrong.append(what)


def figures(element):
    return {key: int(value) for key, value in element.attrib.items()}


def total(parent, kind):
    return figures_of(parent.find(f"total[@type='{kind}']"))


def figures_of(element):
    return {key: int(element.get(key)) for key in ("count", "size")}


check(root.tag == "malloc" and root.get("version") == "1", "the root is glibc's")
for path in ("heap/sizes", "heap/system[@type='current']", "total[@type='mmap']", "system[@type='current']", "aspace[@type='total']"):
    check(root.find(path) is not None, f"{path} is there")
if wrong:
    sys.exit("info.py: not so: " + "; ".join(wrong))

heap, mapped = root.find("heap"), total(root, "mmap")
check(mapped["count"] >= 1 and mapped["size"] >= 1 << 30, "the huge object is counted as mmap")

own = root.find("larder")
if own is not None:
    fast, rest = total(heap, "fast"), total(heap, "rest")
    current = int(root.find("system").get("size"))
    used, pages = figures(own.find("used")), figures(own.find("pages"))
    classes = [figures(element) for element in own.findall("class")]
    sizes = [figures(element) for element in heap.findall("sizes/size")]
    orders = [figures(element) for element in own.findall("order")]
    by_size = {each["size"]: each for each in classes}
    check(own.get("mode").startswith(("rseq by ", "fallback: ")) and len(own.get("mode")) > 10, "the mode is named")
    check(int(own.get("nodes")) >= 1, "there is a node")
    check(by_size.get(64, {"in_use": 0})["in_use"] >= 1000, "the class of 64 bytes holds the program's 1000 objects")
    check(by_size.get(64, {"in_use": 9999})["in_use"] < 1300, "and hardly any others")
    check(used["large"] >= 200000 and used["large_count"] >= 1, "the large object is in use")
    check(used["large"] < 2_000_000, "and hardly any others are")
    check((used["huge"], used["huge_count"]) == (mapped["size"], mapped["count"]), "huge is mmap")
    check(used["small"] == sum(c["size"] * c["in_use"] for c in classes), "small objects are those of the classes")
    check(fast["count"] == sum(c["in_windows"] + c["in_depots"] for c in classes), "fast counts windows and depots")
    check(fast["size"] == sum(c["size"] * (c["in_windows"] + c["in_depots"]) for c in classes), "and their bytes")
    runs = sum(o["warm"] + o["zero"] for o in orders)
    check(rest["count"] == sum(c["in_slabs"] for c in classes) + runs, "rest counts slabs' objects and free runs")
    slabs = sum(c["size"] * c["in_slabs"] for c in classes)
    check(rest["size"] == slabs + pages["warm"] + pages["huge_warm"] + pages["zero"], "and their bytes")
    pages_of_orders = [sum(o["pages"] * o[kind] for o in orders) * 4096 for kind in ("warm", "zero")]
    check(pages_of_orders == [pages["warm"], pages["zero"]], "warm and zero are the runs of the orders")
    given = figures(own.find("given_back"))
    nodes = [figures(element) for element in own.findall("node")]
    check(sum(given.values()) == pages["purged"], "what was given back has its reasons")
    check(len(nodes) == int(own.get("nodes")), "each node has its pages")
    check(all(n["min"] <= n["high"] and n["low"] <= n["high"] for n in nodes), "low and min lie below high")
    check(all(n["in_use"] + n["warm"] + n["zero"] == n["committed"] for n in nodes), "a page is in use, warm or zero")
    limit = figures(own.find("limit"))
    check(limit["most"] == 0 or limit["held"] <= limit["most"] >= limit["ceiling"] > 0, "the ceiling is no higher than the most")
    for c in classes:
        objects = c["in_use"] + c["in_windows"] + c["in_depots"] + c["in_slabs"]
        check(c["size"] * objects <= c["slab_bytes"], f"the objects of {c['size']} bytes fit in their slabs")
        check(c["size"] * objects > c["slab_bytes"] * 0.7, f"and nearly fill them at {c['size']}")
    check([s["count"] for s in sizes] == [c["in_windows"] + c["in_depots"] + c["in_slabs"] for c in classes], "sizes are the free objects")
    check(all(s["total"] == s["count"] * s["to"] for s in sizes), "with their bytes")
    held = used["small"] + used["large"] + used["huge"] + fast["size"] + slabs + pages["warm"] + used["metadata"]
    check(current >= held, "what is committed covers what is held")
    check(int(root.find("aspace").get("size")) >= current - used["huge"], "what is reserved covers it")

if wrong:
    sys.exit("info.py: not so: " + "; ".join(wrong))
